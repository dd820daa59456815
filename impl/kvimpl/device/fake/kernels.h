// The kernels of the fake driver: twins that the controlling program registers under a name. They
// decide what a kernel does and, as far as it is known at the launch, which bytes it will use.
#pragma once

#include "machine.h"

namespace fake {

using Twin = int (*)(void** parameters, const unsigned* grid_and_block);
// Writes address, length and whether it writes, for each pointer in turn; returns how many there are.
using Footprint = int (*)(const uint64_t* values, uint64_t* uses);
struct Module { std::string image; };
struct Kernel { std::string name; std::vector<int> sizes; Twin twin; Footprint footprint; };

inline std::set<Module*> modules;
inline std::map<std::string, std::unique_ptr<Kernel>> kernels;

inline std::vector<Use> footprint_of(const Kernel& kernel, const std::vector<uint64_t>& values) {
    if (!kernel.footprint || values.empty()) return {};
    std::vector<uint64_t> told(3 * values.size());
    int count = kernel.footprint(values.data(), told.data());
    std::vector<Use> uses;
    for (int i = 0; i < count; i++) uses.push_back({told[3 * i], told[3 * i + 1], told[3 * i + 2] != 0});
    return uses;
}

}  // namespace fake
