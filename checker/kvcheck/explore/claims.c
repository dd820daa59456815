/* What a search found: the least claims, the runs that lead to them, and the numbers.

   Compiled together with engine.c, behind it; it decides nothing about which states there are. */

static Candidate *candidate(Thread *t, u64 kind, u64 number) {
  return kind == 0 ? &t->invariant[number] : kind == 1 ? &t->failure[number] : kind == 2 ? &t->deadlock : &t->goal[number];
}

/* The least candidate of a kind (0 invariant, 1 assertion, 2 deadlock, 3 goal), then it is closed:
   what follows it is not reported. `out` is the state, the combination and the site. */
int search_claim(Search *z, u64 kind, u64 number, u64 *out) {
  Candidate best = {.found = 0};
  for (u64 k = 0; k < z->threads; k++) {
    Candidate *c = candidate(z->thread + k, kind, number);
    if (c->found) note(&best, c->state, c->combination, c->site);
    c->found = 0;
  }
  if (!best.found) return 0;
  memcpy(out, best.state, 8 * W);
  out[W] = best.combination; out[W + 1] = best.site;
  if (kind == 0) z->invariants_open &= ~(1ULL << number);
  if (kind == 1) z->failures_open &= ~(1ULL << number);
  if (kind == 2) z->deadlock_open = 0;
  if (kind == 3) z->goals_open &= ~(1ULL << number);
  return 1;
}

static void *look_back(void *argument) {
  Thread *t = argument;
  Search *z = t->search;
  Candidate *before = z->before + (t - z->thread) * z->target_count;
  u64 enabled[ACTIONS + 1], counts[2 * REQUIRES + 1]; /* not to be counted twice */
  memcpy(enabled, t->enabled, sizeof enabled);
  memcpy(counts, t->counts, sizeof counts);
  while (take(z, t))
    for (; t->work.lo < t->work.hi; t->work.lo++) {
      const u64 *s = z->states + t->work.lo * W;
      u64 m = successors(t, s, t->buffer);
      for (u64 j = 0; j < m; j++) {
        CANONICAL(t->buffer + j * W);
        for (u64 k = 0; k < z->target_count; k++)
          if (same(t->buffer + j * W, z->targets + k * W)) note(before + k, s, 0, 0);
      }
    }
  memcpy(t->enabled, enabled, sizeof enabled);
  memcpy(t->counts, counts, sizeof counts);
  return 0;
}

/* For each target the least state of a level that has it as a successor; 0: out of memory. */
int search_before(Search *z, u64 level, u64 count, const u64 *targets, u64 *out) {
  u64 open = z->failures_open;
  z->failures_open = 0; /* what is expanded again reports nothing */
  z->target_count = count; z->targets = targets;
  z->before = calloc(z->threads * count + 1, sizeof *z->before);
  int done = z->before && take_level(z, level);
  if (done) on_all(z, look_back, z->level_count[level]);
  for (u64 k = 0; done && k < count; k++) {
    Candidate best = {.found = 0};
    for (u64 j = 0; j < z->threads; j++) {
      Candidate *c = z->before + j * count + k;
      if (c->found) note(&best, c->state, 0, 0);
    }
    done = best.found;
    memcpy(out + k * W, best.state, 8 * W);
  }
  free(z->before);
  z->failures_open = open;
  return done;
}

/* Numbers that may be read while a search runs: states, transitions, queue, depth, bytes, expanded. */
void search_numbers(const Search *z, u64 *out) {
  u64 fresh = z->distinct, transitions = z->transitions, expanded = z->expanded;
  for (u64 k = 0; k < z->threads; k++) {
    fresh += z->thread[k].fresh; transitions += z->thread[k].transitions; expanded += z->thread[k].expanded;
  }
  out[0] = fresh; out[1] = transitions; out[2] = z->queue > expanded ? z->queue - expanded : 0;
  out[3] = z->depth; out[4] = bytes_used(z); out[5] = expanded;
}

u64 search_levels(const Search *z, u64 *out, u64 room) {
  for (u64 k = 0; k < z->levels && k < room; k++) out[k] = z->level_count[k];
  return z->levels;
}

void search_counts(const Search *z, u64 *enabled, u64 *counts) {
  for (u64 k = 0; k < z->threads; k++) {
    for (u64 j = 0; j < ACTIONS; j++) enabled[j] += z->thread[k].enabled[j];
    for (u64 j = 0; j < 2 * REQUIRES; j++) counts[j] += z->thread[k].counts[j];
  }
}

/* The states of a level, for comparison with another engine; `out` has room for all. */
void search_level_states(const Search *z, u64 level, u64 *out) {
  for (u64 k = z->level_begin[level]; k < z->level_begin[level + 1]; k++) {
    u64 n = z->ranges.at[k].hi - z->ranges.at[k].lo;
    memcpy(out, z->states + z->ranges.at[k].lo * W, n * 8 * W);
    out += n * W;
  }
}

void search_free(Search *z) {
  for (u64 k = 0; k < z->threads; k++) free(z->thread[k].found.at);
  munmap(z->states, z->states_room * 8 * W);
  if (z->table) munmap(z->table, z->slots * 8);
  free(z->thread); free(z->ranges.at); free(z->pieces); free(z->level_begin); free(z->level_count);
  free(z);
}

void search_stop(Search *z) { z->stop = 1; }
