// What stream capture forbids, asked by every call that it may forbid; capture.cpp has its calls.
//
// After the CUDA Runtime API, "Stream management": a stream that is being captured cannot be asked or
// waited for; calls that are not safe (allocation, event queries) are forbidden unless the mode of the
// capture and of the calling thread is relaxed; a forbidden call makes the capture invalid.
#pragma once

#include "machine.h"

namespace fake {

constexpr int RELAXED = 2;
inline thread_local int thread_mode = 0;  // of cuThreadExchangeStreamCaptureMode

inline int broken(Stream* s, int code) {
    s->capture_broken = true;
    return code;
}
inline int refuse_capturing(Stream* s) {
    return s->capturing ? broken(s, CAPTURE_UNSUPPORTED) : int(SUCCESS);
}
inline int refuse_unsafe() {
    int refused = SUCCESS;
    for (auto& s : streams)
        if (s->capturing && s->capture_mode != RELAXED && thread_mode != RELAXED)
            refused = broken(s.get(), CAPTURE_UNSUPPORTED);
    return refused;
}

}  // namespace fake
