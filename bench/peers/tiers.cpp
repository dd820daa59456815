// A straightforward hand-written breadth-first search of the tiered pool (spec/kvspec/models/
// tiers.py): one struct of bytes a state, a vector of states, an open-addressing index into it.
// It is the yardstick for "as fast as one would write it by hand"; it keeps parent and action for
// the trace, checks every invariant and assertion, and knows nothing that the spec does not say.
//
// Sizes are macros: P, S, R, REFS, PINS, K, T as in TieredPool.instance. Prints one line:
// states transitions depth bytes_per_state.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

constexpr int B = P + S;
enum Level { PRIMARY = 0, SECONDARY = 1 };

struct Copy {
    uint8_t src, dst;
};

struct State {
    uint8_t slot[B], holders[B], refs[B], pins[B], cached[B];
    uint8_t free[2][B], length[2], nfree[2];
    Copy pending[T][K];
    uint8_t copies[T];
};

static void fail(const char *what) {
    std::printf("violated: %s\n", what);
    std::exit(1);
}

static void check(bool condition, const char *what) {
    if (!condition) fail(what);
}

static int level_of(const State &s, int b) { return s.slot[b] < P ? PRIMARY : SECONDARY; }

static bool is_queued(const State &s, int level, int b) {
    for (int i = 0; i < s.length[level]; i++)
        if (s.free[level][i] == b) return true;
    return false;
}

static bool in_flight(const State &s, int b) {
    for (int t = 0; t < T; t++)
        for (int i = 0; i < s.copies[t]; i++)
            if (s.pending[t][i].src == s.slot[b] || s.pending[t][i].dst == s.slot[b]) return true;
    return false;
}

static bool idle(const State &s, int b) { return s.refs[b] == 0 && !in_flight(s, b); }

static void claim(State &s, int b) {
    int level = level_of(s, b), at = 0;
    while (at < s.length[level] && s.free[level][at] != b) at++;
    check(at < s.length[level], "remove of what is not queued");
    s.length[level]--;
    for (; at < s.length[level]; at++) s.free[level][at] = s.free[level][at + 1];
    s.free[level][s.length[level]] = 0;
    check(s.nfree[level] > 0, "free counter below zero");
    s.nfree[level]--;
}

static void release_if_idle(State &s, int b) {
    if (!idle(s, b)) return;
    int level = level_of(s, b);
    check(!is_queued(s, level, b), "push of what is queued");
    check(s.length[level] < B, "push on a full queue");
    s.free[level][s.length[level]++] = b;
    check(s.nfree[level] < B, "free counter above its range");
    s.nfree[level]++;
}

static void hold(State &s, int b, int r) {
    s.holders[b] |= 1 << r;
    check(s.refs[b] < REFS, "reference counter above its range");
    s.refs[b]++;
}

static void enqueue(State &s, int t, int from, int to) {
    check(s.copies[t] < K, "push on a full stream");
    s.pending[t][s.copies[t]++] = {s.slot[from], s.slot[to]};
    uint8_t kept = s.slot[from];
    s.slot[from] = s.slot[to];
    s.slot[to] = kept;
}

// ---- actions: false where the guard is

static bool allocate(State &s, int r) {
    if (s.length[PRIMARY] == 0) return false;
    int b = s.free[PRIMARY][0];
    claim(s, b);
    s.cached[b] = 0;
    hold(s, b, r);
    return true;
}

static bool offload_allocate(State &s, int r, int t) {
    if (s.length[PRIMARY] == 0 || s.length[SECONDARY] == 0 || s.copies[t] >= K) return false;
    int victim = s.free[PRIMARY][0], spare = s.free[SECONDARY][0];
    if (!s.cached[victim]) return false;
    claim(s, victim);
    claim(s, spare);
    enqueue(s, t, victim, spare);
    s.cached[spare] = 0;
    hold(s, spare, r);
    return true;
}

static bool onboard(State &s, int b, int r, int t) {
    if (!s.cached[b] || !is_queued(s, SECONDARY, b)) return false;
    if (s.length[PRIMARY] == 0 || s.copies[t] >= K) return false;
    int room = s.free[PRIMARY][0];
    claim(s, b);
    claim(s, room);
    enqueue(s, t, b, room);
    s.cached[room] = 0;
    hold(s, b, r);
    return true;
}

static bool reuse(State &s, int b, int r) {
    if (!s.cached[b] || level_of(s, b) != PRIMARY) return false;
    if (s.holders[b] >> r & 1 || s.refs[b] >= REFS) return false;
    if (is_queued(s, PRIMARY, b)) claim(s, b);
    hold(s, b, r);
    return true;
}

static bool commit(State &s, int b, int r) {
    if (!(s.holders[b] >> r & 1) || s.cached[b] || in_flight(s, b)) return false;
    check(__builtin_popcount(s.holders[b]) == 1, "a block is written by exactly one request");
    s.cached[b] = 1;
    return true;
}

static bool release(State &s, int b, int r) {
    if (!(s.holders[b] >> r & 1)) return false;
    s.holders[b] &= ~(1 << r);
    check(s.refs[b] > 0, "reference counter below zero");
    s.refs[b]--;
    release_if_idle(s, b);
    return true;
}

static bool pin(State &s, int b) {
    if (s.pins[b] >= PINS || s.refs[b] >= REFS) return false;
    if (is_queued(s, level_of(s, b), b)) claim(s, b);
    s.pins[b]++;
    s.refs[b]++;
    return true;
}

static bool unpin(State &s, int b) {
    if (s.pins[b] == 0) return false;
    s.pins[b]--;
    check(s.refs[b] > 0, "reference counter below zero");
    s.refs[b]--;
    release_if_idle(s, b);
    return true;
}

static bool complete(State &s, int t) {
    if (s.copies[t] == 0) return false;
    Copy c = s.pending[t][0];
    s.copies[t]--;
    for (int i = 0; i < s.copies[t]; i++) s.pending[t][i] = s.pending[t][i + 1];
    s.pending[t][s.copies[t]] = {0, 0};
    int source = 0, target = 0;
    while (source < B && s.slot[source] != c.src) source++;
    while (target < B && s.slot[target] != c.dst) target++;
    check(source < B && target < B, "a copy's slot has no block");
    release_if_idle(s, target);
    release_if_idle(s, source);
    return true;
}

// ---- invariants, as the spec states them

static void check_copies(const State &s) {
    for (int t = 0; t < T; t++)
        for (int i = 0; i < s.copies[t]; i++) {
            Copy c = s.pending[t][i];
            check(c.src != c.dst, "copies_move");
            for (int b = 0; b < B; b++) {
                check(s.slot[b] != c.src || !s.cached[b], "source_is_not_overwritten");
                check(s.slot[b] != c.dst || s.cached[b], "copies_are_wanted");
            }
        }
}

static void check_invariants(const State &s) {
    for (int b = 0; b < B; b++) {
        int level = level_of(s, b), held = __builtin_popcount(s.holders[b]);
        bool unused = idle(s, b);
        for (int l = 0; l < 2; l++)
            if (is_queued(s, l, b)) {
                check(level == l, "queued_at_its_level");
                check(unused, "queued_is_unused");
            }
        check(!unused || is_queued(s, level, b), "idle_is_queued");
        for (int a = 0; a < B; a++) check(a == b || s.slot[a] != s.slot[b], "slots_distinct");
        check(s.refs[b] == held + s.pins[b], "references_counted");
        check(held == 0 || level == PRIMARY, "held_in_primary");
        check(s.cached[b] || held <= 1, "writer_is_alone");
    }
    for (int x = 0; x < B; x++) {
        bool owned = false;
        for (int b = 0; b < B; b++) owned |= s.slot[b] == x;
        check(owned, "slots_owned");
    }
    check(s.nfree[0] == s.length[0] && s.nfree[1] == s.length[1], "counters_count");
    check_copies(s);
}

// ---- search

static std::vector<State> states;
static std::vector<uint32_t> parents, table;
static std::vector<uint8_t> actions;
static uint64_t transitions;

static uint64_t hash(const State &s) {
    uint64_t h = 0x9e3779b97f4a7c15u;
    const uint8_t *bytes = reinterpret_cast<const uint8_t *>(&s);
    for (size_t i = 0; i < sizeof(State); i += 8) {
        uint64_t word = 0;
        std::memcpy(&word, bytes + i, sizeof(State) - i < 8 ? sizeof(State) - i : 8);
        h = (h ^ word) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return h;
}

static void place(uint32_t number) {
    size_t mask = table.size() - 1, at = hash(states[number]) & mask;
    while (table[at] != UINT32_MAX) at = (at + 1) & mask;
    table[at] = number;
}

static void visit(const State &s, uint32_t parent, int action) {
    size_t mask = table.size() - 1, at = hash(s) & mask;
    for (; table[at] != UINT32_MAX; at = (at + 1) & mask)
        if (std::memcmp(&states[table[at]], &s, sizeof(State)) == 0) return;
    check_invariants(s);
    table[at] = states.size();
    states.push_back(s);
    parents.push_back(parent);
    actions.push_back(action);
    if (states.size() * 2 > table.size()) {
        table.assign(table.size() * 2, UINT32_MAX);
        for (uint32_t n = 0; n < states.size(); n++) place(n);
    }
}

template <typename Step> static bool take(uint32_t number, int action, Step step) {
    State next = states[number];
    if (!step(next)) return false;
    transitions++;
    visit(next, number, action);
    return true;
}

static void expand(uint32_t n) {
    bool moved = false;
    for (int r = 0; r < R; r++) {
        moved |= take(n, 0, [&](State &s) { return allocate(s, r); });
        for (int t = 0; t < T; t++)
            moved |= take(n, 1, [&](State &s) { return offload_allocate(s, r, t); });
    }
    for (int b = 0; b < B; b++) {
        for (int r = 0; r < R; r++) {
            for (int t = 0; t < T; t++)
                moved |= take(n, 2, [&](State &s) { return onboard(s, b, r, t); });
            moved |= take(n, 3, [&](State &s) { return reuse(s, b, r); });
            moved |= take(n, 4, [&](State &s) { return commit(s, b, r); });
            moved |= take(n, 5, [&](State &s) { return release(s, b, r); });
        }
        moved |= take(n, 6, [&](State &s) { return pin(s, b); });
        moved |= take(n, 7, [&](State &s) { return unpin(s, b); });
    }
    for (int t = 0; t < T; t++) moved |= take(n, 8, [&](State &s) { return complete(s, t); });
    check(moved, "deadlock");
}

int main() {
    State first;
    std::memset(&first, 0, sizeof first);
    for (int b = 0; b < B; b++) {
        int level = b < P ? PRIMARY : SECONDARY;
        first.slot[b] = b;
        first.free[level][first.length[level]++] = b;
        first.nfree[level]++;
    }
    table.assign(1 << 16, UINT32_MAX);
    visit(first, UINT32_MAX, 0);
    uint32_t depth = 0, level_end = 1;
    for (uint32_t n = 0; n < states.size(); n++) {
        if (n == level_end) {
            depth++;
            level_end = states.size();
        }
        expand(n);
    }
    double bytes = sizeof(State) * states.capacity() + sizeof(uint32_t) * parents.capacity() +
                   actions.capacity() + sizeof(uint32_t) * table.size();
    std::printf("%zu %llu %u %.1f\n", states.size(), (unsigned long long)transitions, depth,
                bytes / states.size());
    return 0;
}
