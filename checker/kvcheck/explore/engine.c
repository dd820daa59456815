/* Breadth-first search of a generated model: the runtime around MODEL (spliced in by cgen.py).

   It finds and counts states; it judges nothing twice and prints nothing. States are W words each,
   in one growing array, found through an open-addressing table of (hash tag, index + 1); a level is
   a list of index ranges. No parents are kept: search_before finds the least predecessors of given
   states when a run has to be told. Threads take pieces of a level; what is reported is the least
   by state order, so nothing depends on their timing. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef uint64_t u64;
typedef int64_t i64;
typedef uint32_t u32;
typedef uint8_t u8;

//@HEAD

#define CHUNK 1024 /* states that a thread reserves at a time */
#define PIECE 256  /* states that a thread takes from a level at a time */
#define BATCH 128  /* successors that are hashed before the table is touched */
#define THREADS_MAX 64
#define RECENT 8192 /* states that a thread remembers to have met */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

typedef struct { u64 lo, hi; } Range;
typedef struct { Range *at; u64 count, room; } Ranges;
typedef struct { u64 state[W]; u64 combination, site; u32 found; } Candidate;

enum { RUNNING, COMPLETE, NEWS, STATES_MAX, MEMORY_MAX, DEPTH_MAX, STOPPED, NO_MEMORY };

typedef struct Search Search;

typedef struct {
  Search *search;
  u64 chunk_lo, chunk_at, chunk_hi; /* states reserved; those below chunk_at are in use */
  Range work;                       /* what is left of the piece taken */
  u64 fresh, transitions, expanded, failures;
  u64 enabled[ACTIONS + 1], counts[2 * REQUIRES + 1];
  Candidate invariant[INVARIANTS + 1], goal[GOALS + 1], failure[ACTIONS + 1], deadlock;
  Ranges found;
  u32 news;
  u64 buffer[(BATCH + SUCCESSORS_MAX) * W], hashes[BATCH + SUCCESSORS_MAX];
  u64 recent[RECENT * W];           /* by hash; what belongs elsewhere stands for "nothing" */
  u64 padding[16];
} Thread;

struct Search {
  u64 *states, *table;
  u64 states_room, slots, grow_at;
  u64 next;                         /* first index not reserved by any thread */
  Ranges ranges;                    /* of all finished levels, one after the other */
  u64 *level_begin, *level_count;   /* ranges of level l: level_begin[l] .. level_begin[l + 1] */
  u64 levels, levels_room;
  Range *pieces; u64 piece_count, pieces_room, taken;
  u64 states_max, memory_max, depth_max;
  u64 threads;
  u64 distinct, transitions, expanded;
  u64 depth, queue;                 /* of the running level; queue counts from the first state on */
  volatile u32 stop, pause;
  u32 check_deadlock, out_of_memory;
  u64 goals_open, invariants_open;  /* not yet reported */
  u64 failures_open; u32 deadlock_open;
  Thread *thread;
  /* search_before */
  u64 target_count; const u64 *targets; u64 *target_hashes; Candidate *before;
};

static int less(const u64 *a, const u64 *b);

ALWAYS_INLINE void note(Candidate *held, const u64 *s, u64 combination, u64 site) {
  if (held->found) {
    if (less(held->state, s)) return;
    if (!less(s, held->state) && held->combination <= combination) return;
  }
  memcpy(held->state, s, 8 * W);
  held->combination = combination; held->site = site; held->found = 1;
}

static __attribute__((noinline)) void failed(Thread *t, const u64 *s, u64 action, u64 combination, u64 site) {
  t->failures++;
  if (t->search->failures_open >> action & 1) { note(&t->failure[action], s, combination, site); t->news = 1; }
}

/* q_has, q_gone: the cells of a queue packed in one word, `ones` has a 1 in each cell */
ALWAYS_INLINE u64 q_mask(i64 length, int width) {
  return length * width >= 64 ? ~0ULL : (1ULL << (length * width)) - 1;
}
ALWAYS_INLINE i64 q_has(u64 q, i64 length, u64 x, int width, u64 ones) {
  u64 y = q ^ (x * ones);
  return ((y - ones) & ~y & (ones << (width - 1)) & q_mask(length, width)) != 0;
}
ALWAYS_INLINE u64 q_gone(u64 q, u64 x, int width, u64 ones) {
  u64 y = q ^ (x * ones), zero = (y - ones) & ~y & (ones << (width - 1));
  if (!zero) return q;
  u64 low = (1ULL << (__builtin_ctzll(zero) - (width - 1))) - 1;
  return (q & low) | ((q >> (width - 1) >> 1) & ~low);
}

//@MODEL

/* ---- hashing and the table */

ALWAYS_INLINE u64 fold(u64 a, u64 b) {
  unsigned __int128 product = (unsigned __int128)a * b;
  return (u64)product ^ (u64)(product >> 64);
}
ALWAYS_INLINE u64 hash(const u64 *s) {
  u64 h = 0x9e3779b97f4a7c15ULL;
  for (int k = 0; k < W; k++) h = fold(h ^ s[k], 0xd6e8feb86659fd93ULL + 2 * k) + s[k];
  return fold(h ^ 0xa0761d6478bd642fULL, 0xe7037ed1a0b428dbULL);
}
ALWAYS_INLINE int same(const u64 *a, const u64 *b) {
  u64 d = 0;
  for (int k = 0; k < W; k++) d |= a[k] ^ b[k];
  return d == 0;
}
ALWAYS_INLINE u64 home(const Search *z, u64 h) { return (u64)(((unsigned __int128)h * z->slots) >> 64); }

static void *reserve(u64 bytes) {
  void *p = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return 0;
#ifdef MADV_HUGEPAGE
  madvise(p, bytes, MADV_HUGEPAGE);
#endif
  return p;
}

static int append(Ranges *r, u64 lo, u64 hi) {
  if (r->count == r->room) {
    u64 room = r->room ? 2 * r->room : 64;
    Range *at = realloc(r->at, room * sizeof *at);
    if (!at) return 0;
    r->at = at; r->room = room;
  }
  r->at[r->count].lo = lo; r->at[r->count++].hi = hi;
  return 1;
}

static int reserve_chunk(Thread *t) {
  Search *z = t->search;
  if (t->chunk_at > t->chunk_lo && !append(&t->found, t->chunk_lo, t->chunk_at)) return 0;
  u64 lo = __atomic_fetch_add(&z->next, CHUNK, __ATOMIC_RELAXED);
  t->chunk_lo = t->chunk_at = t->chunk_hi = lo;
  if (lo + CHUNK > z->states_room) return 0;
  t->chunk_hi = lo + CHUNK;
  if (t->chunk_hi > z->grow_at) z->pause = 1;
  return 1;
}

/* Put a state in if it is new; 1: new, 0: known, -1: no room. */
ALWAYS_INLINE int insert(Search *z, Thread *t, const u64 *x, u64 h) {
  u64 p = home(z, h), tag = h << 32;
  for (;;) {
    u64 e = __atomic_load_n(z->table + p, __ATOMIC_ACQUIRE);
    if (!e) {
      if (t->chunk_at == t->chunk_hi && !reserve_chunk(t)) return -1;
      memcpy(z->states + t->chunk_at * W, x, 8 * W);
      if (__atomic_compare_exchange_n(z->table + p, &e, tag | (t->chunk_at + 1), 0, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE)) {
        t->chunk_at++;
        return 1;
      }
    }
    if ((e ^ tag) >> 32 == 0 && same(z->states + ((u32)e - 1ULL) * W, x)) return 0;
    if (++p == z->slots) p = 0;
  }
}

/* ---- one level */

ALWAYS_INLINE void observe(Search *z, Thread *t, const u64 *x) {
  u64 broken = broken_invariants(x) & z->invariants_open;
  while (broken) {
    int k = __builtin_ctzll(broken);
    broken &= broken - 1;
    note(&t->invariant[k], x, 0, 0); t->news = 1;
  }
  if (z->goals_open) {
    u64 met = goals_met(x) & z->goals_open;
    while (met) {
      int k = __builtin_ctzll(met);
      met &= met - 1;
      note(&t->goal[k], x, 0, 0); t->news = 1;
    }
  }
}

ALWAYS_INLINE int take(Search *z, Thread *t) {
  if (t->work.lo < t->work.hi) return 1;
  u64 k = __atomic_fetch_add(&z->taken, 1, __ATOMIC_RELAXED);
  if (k >= z->piece_count) return 0;
  t->work = z->pieces[k];
  return 1;
}

/* Of the `count` successors behind the n that wait in the batch, keep those that this thread did not
   meet just now: steps that trade places lead to one state, which saves two visits to memory. */
ALWAYS_INLINE u64 keep(Search *z, Thread *t, u64 n, u64 count) {
  u64 *from = t->buffer + n * W, *end = from + count * W;
  for (; from < end; from += W) {
    u64 h = hash(from), *recent = t->recent + h % RECENT * W, *x = t->buffer + n * W;
    if (same(recent, from)) continue;
    for (int k = 0; k < W; k++) x[k] = recent[k] = from[k];
    if (REDUCED) { CANONICAL(x); h = hash(x); }
    t->hashes[n++] = h;
    __builtin_prefetch(z->table + home(z, h));
  }
  return n;
}

static void *expand(void *argument) {
  Thread *t = argument;
  Search *z = t->search;
  u64 *buffer = t->buffer, *hashes = t->hashes;
  while (!z->pause && !z->stop && take(z, t)) {
    u64 n = 0, begin = t->work.lo;
    while (n < BATCH && t->work.lo < t->work.hi) {
      const u64 *s = z->states + t->work.lo++ * W;
      u64 before = t->failures, m = successors(t, s, buffer + n * W);
      if (!m && z->deadlock_open && t->failures == before && !is_terminal(s)) {
        note(&t->deadlock, s, 0, 0);
        t->news = 1;
      }
      t->transitions += m;
      n = keep(z, t, n, m);
    }
    t->expanded += t->work.lo - begin;
    for (u64 j = 0; j < n; j++) {
      u64 e = z->table[home(z, hashes[j])];
      if (e && (e ^ hashes[j] << 32) >> 32 == 0) __builtin_prefetch(z->states + ((u32)e - 1ULL) * W);
    }
    for (u64 j = 0; j < n; j++) {
      int fresh = insert(z, t, buffer + j * W, hashes[j]);
      if (fresh < 0) { z->out_of_memory = 1; z->stop = 1; break; }
      if (fresh) { t->fresh++; observe(z, t, buffer + j * W); }
    }
  }
  return 0;
}

static void on_all(Search *z, void *(*work)(void *), u64 size) {
  pthread_t id[THREADS_MAX];
  u64 threads = size < 4 * PIECE ? 1 : z->threads, started = 1;
  for (; started < threads; started++)
    if (pthread_create(&id[started], 0, work, z->thread + started)) break;
  work(z->thread);
  for (u64 k = 1; k < started; k++) pthread_join(id[k], 0);
}

static int cut(Search *z, const Range *at, u64 count) {
  for (u64 k = 0; k < count; k++)
    for (u64 lo = at[k].lo; lo < at[k].hi; lo += PIECE) {
      if (z->piece_count == z->pieces_room) {
        u64 room = z->pieces_room ? 2 * z->pieces_room : 1024;
        Range *pieces = realloc(z->pieces, room * sizeof *pieces);
        if (!pieces) return 0;
        z->pieces = pieces; z->pieces_room = room;
      }
      z->pieces[z->piece_count].lo = lo;
      z->pieces[z->piece_count++].hi = lo + PIECE < at[k].hi ? lo + PIECE : at[k].hi;
    }
  return 1;
}

/* ---- growing the table: it is thrown away and filled again from the states */

static u64 bytes_used(const Search *z) {
  u64 states = z->next < z->states_room ? z->next : z->states_room;
  return states * 8 * W + z->slots * 8 + (z->ranges.room + z->pieces_room) * sizeof(Range);
}

static void *refill(void *argument) {
  Thread *t = argument;
  Search *z = t->search;
  for (;;) {
    u64 k = __atomic_fetch_add(&z->taken, 1, __ATOMIC_RELAXED);
    if (k >= z->piece_count) return 0;
    u64 h[PIECE], lo = z->pieces[k].lo, n = z->pieces[k].hi - lo;
    for (u64 j = 0; j < n; j++) {
      h[j] = hash(z->states + (lo + j) * W);
      __builtin_prefetch(z->table + home(z, h[j]), 1);
    }
    for (u64 j = 0; j < n; j++) {
      u64 p = home(z, h[j]), e = h[j] << 32 | (lo + j + 1), empty = 0;
      while (!__atomic_compare_exchange_n(z->table + p, &empty, e, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        empty = 0;
        if (++p == z->slots) p = 0;
      }
    }
  }
}

static int set_table(Search *z, u64 slots) {
  u64 *table = reserve(slots * 8);
  if (!table) return 0;
  z->table = table; z->slots = slots;
  z->grow_at = slots / 4 * 3;
  return 1;
}

/* Room for more states; 0 when memory or its limit does not allow it. Wide states leave less for the
   table, so that a state takes about 40 bytes in all where that is possible. */
static int grow(Search *z) {
  u64 others = bytes_used(z) - z->slots * 8;
  u64 slots = z->slots < (1 << 18) ? 4 * z->slots : W <= 2 ? 2 * z->slots : z->slots / 4 * 5;
  u64 growth = slots / 4 * 3 > z->next ? slots / 4 * 3 - z->next : 0;
  if (others + growth * 8 * W + slots * 8 > z->memory_max) {
    u64 left = z->memory_max > others ? z->memory_max - others : 0;
    slots = left / 4 * 3 / 8;                  /* a quarter of what is left for the states */
    if (slots < z->slots / 16 * 17) {          /* not worth it: fill this one up */
      u64 most = z->slots / 10 * 9, used = bytes_used(z);
      u64 more = used < z->memory_max ? z->next + (z->memory_max - used) / (8 * W) : 0;
      z->grow_at = most < more ? most : more;
      return z->grow_at > z->next + CHUNK * z->threads;
    }
  }
  munmap(z->table, z->slots * 8);
  if (!set_table(z, slots)) return 0;
  z->piece_count = 0; z->taken = 0;
  if (!cut(z, z->ranges.at, z->ranges.count)) return 0;
  for (u64 k = 0; k < z->threads; k++) {
    Thread *t = z->thread + k;
    Range open = {t->chunk_lo, t->chunk_at};
    if (!cut(z, t->found.at, t->found.count) || !cut(z, &open, 1)) return 0;
  }
  on_all(z, refill, z->next);
  return 1;
}

/* ---- the search */

static u64 gather(Search *z) {
  u64 fresh = 0;
  for (u64 k = 0; k < z->threads; k++) {
    Thread *t = z->thread + k;
    fresh += t->fresh; t->fresh = 0;
    z->transitions += t->transitions; t->transitions = 0;
    z->expanded += t->expanded; t->expanded = 0;
    int kept = t->chunk_at == t->chunk_lo || append(&t->found, t->chunk_lo, t->chunk_at);
    t->chunk_lo = t->chunk_at;
    for (u64 j = 0; j < t->found.count; j++) kept &= append(&z->ranges, t->found.at[j].lo, t->found.at[j].hi);
    if (!kept) z->out_of_memory = 1;
    t->found.count = 0;
  }
  z->distinct += fresh;
  return fresh;
}

static int close_level(Search *z, u64 fresh) {
  if (z->levels + 2 > z->levels_room) {
    z->levels_room = 2 * z->levels_room + 64;
    z->level_begin = realloc(z->level_begin, (z->levels_room + 1) * 8);
    z->level_count = realloc(z->level_count, (z->levels_room + 1) * 8);
    if (!z->level_begin || !z->level_count) return 0;
    z->level_begin[0] = 0;
  }
  z->level_count[z->levels++] = fresh;
  z->level_begin[z->levels] = z->ranges.count;
  return 1;
}

static int has_news(Search *z) {
  int news = 0;
  for (u64 k = 0; k < z->threads; k++) { news |= z->thread[k].news; z->thread[k].news = 0; }
  return news;
}

/* Cut the pieces of a finished level; 0 when there is no memory. */
static int take_level(Search *z, u64 level) {
  u64 begin = z->level_begin[level];
  z->piece_count = 0; z->taken = 0;
  for (u64 k = 0; k < z->threads; k++) z->thread[k].work.lo = z->thread[k].work.hi = 0;
  return cut(z, z->ranges.at + begin, z->level_begin[level + 1] - begin);
}

/* Expand the last level. The pieces are cut again after the table grew, so they are kept aside. */
static int expand_level(Search *z) {
  if (!take_level(z, z->levels - 1)) return NO_MEMORY;
  z->depth = z->levels - 1;
  z->queue = z->level_count[z->depth] + z->expanded;
  for (;;) {
    on_all(z, expand, z->level_count[z->levels - 1]);
    if (z->out_of_memory) return MEMORY_MAX;
    if (z->stop) return STOPPED;
    if (!z->pause) return RUNNING;
    z->pause = 0;
    if (z->states_max && z->next >= z->states_max + CHUNK * z->threads) return STATES_MAX;
    Range *pieces = z->pieces; u64 count = z->piece_count, room = z->pieces_room, taken = z->taken;
    z->pieces = 0; z->piece_count = z->pieces_room = 0;
    int grown = grow(z);
    free(z->pieces);
    z->pieces = pieces; z->piece_count = count; z->pieces_room = room; z->taken = taken;
    if (!grown) return MEMORY_MAX;
  }
}

/* Run level by level until something has to be decided; the reason is the result. */
int search_run(Search *z) {
  for (;;) {
    if (!z->level_count[z->levels - 1]) { z->levels--; return COMPLETE; }
    if (z->levels > z->depth_max) return DEPTH_MAX;
    if (z->states_max && z->distinct >= z->states_max) return STATES_MAX;
    if (z->stop) return STOPPED;
    int end = expand_level(z);
    u64 fresh = gather(z);
    if (end != RUNNING) return end;
    if (z->out_of_memory || !close_level(z, fresh)) return NO_MEMORY;
    if (has_news(z)) return NEWS;
  }
}

/* Every place holds a state of another place: 0 in all but its own. */
static void forget(Thread *t) {
  u64 zero[W] = {0}, other[W] = {0}, place = hash(zero) % RECENT;
  memset(t->recent, 0, sizeof t->recent);
  do other[0]++; while (hash(other) % RECENT == place);
  memcpy(t->recent + place * W, other, 8 * W);
}

Search *search_new(u64 threads, u64 states_max, u64 depth_max, u64 memory_max, u32 check_deadlock) {
  Search *z = calloc(1, sizeof *z);
  if (!z) return 0;
  z->threads = threads < 1 ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
  z->states_max = states_max; z->depth_max = depth_max; z->memory_max = memory_max;
  z->states_room = memory_max / (8 * W);
  if (z->states_room > 0xfffffff0ULL) z->states_room = 0xfffffff0ULL;
  z->thread = calloc(z->threads, sizeof *z->thread);
  while (z->states_room > CHUNK && !(z->states = reserve(z->states_room * 8 * W))) z->states_room /= 2;
  u64 slots = 4 * z->threads * (BATCH + SUCCESSORS_MAX); /* room for what comes between two pauses */
  if (!z->thread || !z->states || !set_table(z, slots < 1 << 16 ? 1 << 16 : slots)) return 0;
  for (u64 k = 0; k < z->threads; k++) {
    z->thread[k].search = z;
    forget(&z->thread[k]);
  }
  z->invariants_open = INVARIANTS >= 64 ? ~0ULL : (1ULL << INVARIANTS) - 1;
  z->goals_open = GOALS >= 64 ? ~0ULL : (1ULL << GOALS) - 1;
  z->failures_open = ACTIONS >= 64 ? ~0ULL : (1ULL << ACTIONS) - 1;
  z->deadlock_open = z->check_deadlock = check_deadlock;
  return z;
}

/* The initial states: level 0. */
int search_start(Search *z, const u64 *states, u64 count) {
  Thread *t = z->thread;
  for (u64 k = 0; k < count; k++) {
    u64 x[W];
    memcpy(x, states + k * W, 8 * W);
    CANONICAL(x);
    int fresh = insert(z, t, x, hash(x));
    if (fresh < 0) return MEMORY_MAX;
    if (fresh) { t->fresh++; observe(z, t, x); }
  }
  u64 fresh = gather(z);
  if (z->out_of_memory || !close_level(z, fresh)) return NO_MEMORY;
  return has_news(z) ? NEWS : RUNNING;
}
