/* The tiered pool (spec/kvspec/models/tiers.py) for SPIN: the same states, steps and invariants.
 *
 * Sizes are macros: P, S, R, REFS, PINS, K, T as in TieredPool.instance (P + S <= 8, R <= 4,
 * K <= 2, T <= 2). Each step is one option of one loop and a d_step, so that SPIN stores exactly the
 * machine's states, and one more: the one before `init`. What a step needs in between is set back to
 * 0 at its end, because SPIN's breadth-first search refuses `hidden` variables. The last option asks
 * for the invariants once a state, not once a step, as the other two searches do.
 */

#define B (P + S)
#define PRIMARY 0
#define SECONDARY 1

/* X(b) for every block, X(r) for every request, X(t) for every stream. No macro expands inside
 * itself, so each kind has a chain of its own. */
#define B_2(X) X(0) X(1)
#define B_3(X) B_2(X) X(2)
#define B_4(X) B_3(X) X(3)
#define B_5(X) B_4(X) X(4)
#define B_6(X) B_5(X) X(5)
#define B_7(X) B_6(X) X(6)
#define B_8(X) B_7(X) X(7)
#if P + S == 2
#define BLOCKS(X) B_2(X)
#elif P + S == 3
#define BLOCKS(X) B_3(X)
#elif P + S == 4
#define BLOCKS(X) B_4(X)
#elif P + S == 5
#define BLOCKS(X) B_5(X)
#elif P + S == 6
#define BLOCKS(X) B_6(X)
#elif P + S == 7
#define BLOCKS(X) B_7(X)
#else
#define BLOCKS(X) B_8(X)
#endif

#if R == 1
#define REQUESTS(X) X(0)
#define WITH_EACH_REQUEST(X, b) X(b, 0)
#elif R == 2
#define REQUESTS(X) X(0) X(1)
#define WITH_EACH_REQUEST(X, b) X(b, 0) X(b, 1)
#elif R == 3
#define REQUESTS(X) X(0) X(1) X(2)
#define WITH_EACH_REQUEST(X, b) X(b, 0) X(b, 1) X(b, 2)
#else
#define REQUESTS(X) X(0) X(1) X(2) X(3)
#define WITH_EACH_REQUEST(X, b) X(b, 0) X(b, 1) X(b, 2) X(b, 3)
#endif

#if T == 1
#define STREAMS(X) X(0)
#define WITH_EACH_STREAM(X, b, r) X(b, r, 0)
#else
#define STREAMS(X) X(0) X(1)
#define WITH_EACH_STREAM(X, b, r) X(b, r, 0) X(b, r, 1)
#endif

/* F(e) for every place of a copy in flight, joined by an operator. */
#if T * K == 1
#define COPIES(F, s, join) F(0, s)
#elif T * K == 2
#define COPIES(F, s, join) F(0, s) join F(1, s)
#else
#define COPIES(F, s, join) F(0, s) join F(1, s) join F(2, s) join F(3, s)
#endif

byte slot[B];
byte holders[B]; /* bit r: request r holds the block */
byte refs[B];
byte pins[B];
bit cached[B];
byte nfree[2];
chan primary_queue = [B] of { byte };
chan secondary_queue = [B] of { byte };
byte src[T * K]; /* copies in flight, stream t's from place t * K on, oldest first */
byte dst[T * K]; /* a slot plus 1; 0 is no copy */

byte x, y, one, two; /* 0 between steps */

#define level_of(b) (slot[b] >= P)
#define is_primary(b) primary_queue??[eval(b)]
#define is_secondary(b) secondary_queue??[eval(b)]
#define is_queued_at_home(b) ((level_of(b) == PRIMARY && is_primary(b)) || (level_of(b) == SECONDARY && is_secondary(b)))
#define uses(e, s) (src[e] == s + 1 || dst[e] == s + 1)
#define in_flight(b) (COPIES(uses, slot[b], ||))
#define idle(b) (refs[b] == 0 && !in_flight(b))
#define has_room(t) (src[t * K + K - 1] == 0)
#define is_busy(t) (src[t * K] != 0)
#define holds(b, r) ((holders[b] >> r) & 1)
#define holder_count(b) (holds(b, 0) + holds(b, 1) + holds(b, 2) + holds(b, 3))

/* ---- building blocks */

inline claim(b) {
  if
  :: level_of(b) == PRIMARY -> assert(is_primary(b)); primary_queue??eval(b)
  :: else -> assert(is_secondary(b)); secondary_queue??eval(b)
  fi;
  assert(nfree[level_of(b)] > 0);
  nfree[level_of(b)]--
}

inline release_if_idle(b) {
  if
  :: idle(b) ->
     if
     :: level_of(b) == PRIMARY ->
        assert(!is_primary(b) && nfull(primary_queue)); primary_queue!b
     :: else ->
        assert(!is_secondary(b) && nfull(secondary_queue)); secondary_queue!b
     fi;
     assert(nfree[level_of(b)] < B);
     nfree[level_of(b)]++
  :: else
  fi
}

inline hold(b, r) {
  holders[b] = holders[b] | (1 << r);
  assert(refs[b] < REFS);
  refs[b]++
}

inline enqueue_and_swap(a, b, t) {
  one = slot[a];
  two = slot[b];
  assert(has_room(t));
  if
  :: is_busy(t) -> src[t * K + K - 1] = one + 1; dst[t * K + K - 1] = two + 1
  :: else -> src[t * K] = one + 1; dst[t * K] = two + 1
  fi;
  slot[a] = two;
  slot[b] = one
}

inline dequeue(t) {
  one = src[t * K] - 1;
  two = dst[t * K] - 1;
  src[t * K] = 0;
  dst[t * K] = 0;
#if K == 2
  src[t * K] = src[t * K + 1];
  dst[t * K] = dst[t * K + 1];
  src[t * K + 1] = 0;
  dst[t * K + 1] = 0;
#endif
  skip
}

#define END x = 0; y = 0; one = 0; two = 0

/* ---- steps */

#define ALLOCATE(r) \
  :: d_step { nempty(primary_queue) -> primary_queue?<x>; claim(x); cached[x] = 0; hold(x, r); END }

/* A guard may not receive, so it asks each block whether it is the oldest and cached. */
#define is_worth_keeping(b) (primary_queue?[eval(b)] && cached[b]) ||

#define OFFLOAD_ALLOCATE(b, r, t) \
  :: d_step { nempty(secondary_queue) && has_room(t) && (BLOCKS(is_worth_keeping) 0) -> \
     primary_queue?<x>; secondary_queue?<y>; claim(x); claim(y); enqueue_and_swap(x, y, t); \
     cached[y] = 0; hold(y, r); END }

#define ONBOARD(b, r, t) \
  :: d_step { cached[b] && is_secondary(b) && nempty(primary_queue) && has_room(t) -> \
     primary_queue?<x>; claim(b); claim(x); enqueue_and_swap(b, x, t); cached[x] = 0; hold(b, r); END }

#define REUSE(b, r) \
  :: d_step { cached[b] && level_of(b) == PRIMARY && !holds(b, r) && refs[b] < REFS -> \
     if :: is_primary(b) -> claim(b) :: else fi; hold(b, r) }

#define COMMIT(b, r) \
  :: d_step { holds(b, r) && !cached[b] && !in_flight(b) -> \
     assert(holder_count(b) == 1); cached[b] = 1 }

#define RELEASE(b, r) \
  :: d_step { holds(b, r) -> holders[b] = holders[b] - (1 << r); \
     assert(refs[b] > 0); refs[b]--; release_if_idle(b) }

#define PIN(b) \
  :: d_step { pins[b] < PINS && refs[b] < REFS -> \
     if :: is_queued_at_home(b) -> claim(b) :: else fi; pins[b]++; refs[b]++ }

#define UNPIN(b) \
  :: d_step { pins[b] > 0 -> pins[b]--; assert(refs[b] > 0); refs[b]--; release_if_idle(b) }

#define COMPLETE(t) \
  :: d_step { is_busy(t) -> dequeue(t); \
     do :: x < B && slot[x] != one -> x++ :: else -> break od; \
     do :: y < B && slot[y] != two -> y++ :: else -> break od; \
     assert(x < B && y < B); release_if_idle(y); release_if_idle(x); END }

/* ---- invariants, as the spec states them; the last two say that slots are distinct and owned */

#define copy_is_wanted(e, b) \
  ((src[e] != slot[b] + 1 || !cached[b]) && (dst[e] != slot[b] + 1 || cached[b]))

#define copy_moves(e, unused) (src[e] == 0 || src[e] != dst[e])

#define holds_for(b) \
  && (!is_primary(b) || (level_of(b) == PRIMARY && idle(b))) \
  && (!is_secondary(b) || (level_of(b) == SECONDARY && idle(b))) \
  && (!idle(b) || is_queued_at_home(b)) \
  && refs[b] == holder_count(b) + pins[b] \
  && (holders[b] == 0 || level_of(b) == PRIMARY) \
  && (cached[b] || holder_count(b) <= 1) \
  && (COPIES(copy_is_wanted, b, &&))

#define bit_of_slot(b) | (1 << slot[b])

#define INVARIANTS \
  (nfree[PRIMARY] == len(primary_queue) && nfree[SECONDARY] == len(secondary_queue) \
   && (COPIES(copy_moves, 0, &&)) BLOCKS(holds_for) && (0 BLOCKS(bit_of_slot)) == (1 << B) - 1)

/* ---- the machine */

#define OFFLOADS(r) WITH_EACH_STREAM(OFFLOAD_ALLOCATE, 0, r)
#define OF_REQUEST(b, r) WITH_EACH_STREAM(ONBOARD, b, r) REUSE(b, r) COMMIT(b, r) RELEASE(b, r)
#define OF_BLOCK(b) WITH_EACH_REQUEST(OF_REQUEST, b) PIN(b) UNPIN(b)

init {
  d_step {
    do
    :: x < B ->
       slot[x] = x;
       if
       :: x < P -> primary_queue!x; nfree[PRIMARY]++
       :: else -> secondary_queue!x; nfree[SECONDARY]++
       fi;
       x++
    :: else -> break
    od;
    END
  };
  do
  REQUESTS(ALLOCATE)
  REQUESTS(OFFLOADS)
  BLOCKS(OF_BLOCK)
  STREAMS(COMPLETE)
  :: d_step { !INVARIANTS -> assert(false) }
  od
}
