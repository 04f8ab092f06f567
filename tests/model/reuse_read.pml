/* reuse_read.pml -- a reader beside removed records that are used again.
 *
 * Checks what a reader shows of series whose records may be taken meanwhile:
 *   Its own counts    what is shown of a series was counted by that series, and by no other one
 *                     that has had its cell or its record; all that was counted before the read is
 *                     in it
 *   Once              no series is shown twice, and none is taken for damage: of the series that
 *                     are found in the copies no two have the same identity or cell, and none is
 *                     half written
 *   What is there is shown
 *                     a series that was live from before the read until after it is in it
 *
 *   take     resting -> taken; reuses++; its cell = 0; a cell, if it has none, of another record
 *            that is taken likewise; identity; the commit
 *   read     reuses; a copy of the records; another one; the cells; reuses again. A series is found
 *            if its state is the same live word in both copies, and also all that stands behind the
 *            state: in the second copy that may be from after a removal, while what stands before
 *            the state is right there. If reuses has moved: the states once more, and a series that
 *            has another word is left out
 *   again    (READS=2) a copy of the records; if no state has changed in it, except of records that
 *            were not live and still aren't, the series are those of the read before, described as
 *            they were then
 *
 * Of an identity, which takes several words, one stands before the state and one behind it: strings
 * may stand anywhere. Records of one chain: that links are followed in the first copy is
 * directory.pml's, as all of these are linked already. Cells go from record to record. Commits are
 * single steps (chain.pml), and what is removed rests and may be taken at once (holders.pml). There
 * is one slot. SIGKILL: a process that takes no further step.
 *
 * Each BREAK_* takes away, moves or adds one line; tests/model/check shows that each fails. */

#define RECORDS 2 /* and as many cells */
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef STEPS
#define STEPS 4 /* of each writer: removals, takes, updates and lookups */
#endif
#ifndef READS
#define READS 1
#endif

/* ---- the segment ---- */
byte reuses;
byte upper[RECORDS + 1], lower[RECORDS + 1]; /* the identity: before the state, and behind it */
byte state[RECORDS + 1];                     /* RESTING, TAKEN, or a live record's version */
#define RESTING 0
#define TAKEN 1
#define is_live(word) (word > TAKEN)
byte cell_of[RECORDS + 1]; /* 0: none */
byte holder[RECORDS + 1];  /* changes while a record is live */
byte cell[RECORDS + 1];    /* 0, or the version of the life that has counted there */
byte versions = 2;         /* the chain's */

/* ---- what only the checks see ---- */
#define VERSIONS 9
byte identity_of[VERSIONS];
byte live_before[RECORDS + 1];    /* the version, if it is live when the read begins */
bool counted_before[RECORDS + 1]; /* and whether it has counted by then */

/* ---- a reader's copies, without what isn't looked at ---- */
byte state_known[RECORDS + 1]; /* of the last read's first copy */
byte state_first[RECORDS + 1], cell_first[RECORDS + 1], lower_first[RECORDS + 1];
byte upper_in[RECORDS + 1], state_in[RECORDS + 1], cell_in[RECORDS + 1], lower_in[RECORDS + 1];
byte value[RECORDS + 1];

inline commit(r, i) {
  atomic {
    if
    :: versions + 1 < VERSIONS &&
       !(is_live(state[1]) && upper[1] == i) && !(is_live(state[2]) && upper[2] == i) ->
       versions++;
       identity_of[versions] = i;
       state[r] = versions
    :: else -> state[r] = RESTING /* given back */
    fi
  }
}

/* Of a record that this process has taken. */
inline raise_and_clear(mine) {
#ifndef BREAK_REUSES
  reuses++;
#endif
#ifndef BREAK_ZERO
  if
  :: atomic { cell_of[mine] != 0 -> cell[cell_of[mine]] = 0 }
  :: atomic { cell_of[mine] == 0 }
  fi;
#endif
#ifdef BREAK_REUSES
  reuses++ /* too late */
#endif
}

proctype writer() {
  byte n, r, i;
  do
  :: atomic { n < STEPS -> n++; if :: r = 1 :: r = 2 fi; if :: i = 1 :: i = 2 fi };
     if
     :: atomic { is_live(state[r]) -> state[r] = RESTING } /* removed */
     :: atomic { is_live(state[r]) && cell_of[r] != 0 -> cell[cell_of[r]] = state[r] } /* counted */
     :: atomic { is_live(state[r]) && holder[r] == 0 -> holder[r] = 1 } /* looked up */
     :: atomic { state[r] == RESTING -> state[r] = TAKEN };
        raise_and_clear(r);
        if
        :: atomic { cell_of[r] == 0 && cell_of[3 - r] != 0 && state[3 - r] == RESTING ->
                    state[3 - r] = TAKEN };
           raise_and_clear(3 - r);
           atomic { cell_of[r] = cell_of[3 - r]; cell_of[3 - r] = 0 };
           atomic { state[3 - r] = RESTING }
        :: atomic { else }
        fi;
        atomic { lower[r] = i; holder[r] = 0 };
        atomic { upper[r] = i };
        if
        :: atomic { cell_of[r] != 0 }; commit(r, i)
        :: atomic { cell_of[r] == 0 -> state[r] = RESTING } /* none to be had: given back */
        fi
     :: atomic { else }
     fi;
     atomic { r = 0; i = 0 }
  :: break
  od;
  n = 0
}

/* Has appended record 2 before, and is slow to commit it. */
proctype appender() {
  commit(2, 1)
}

#ifdef BREAK_HOLDER
byte holder_first[RECORDS + 1], holder_in[RECORDS + 1];
#define look_at_holder ; holder_first[r] = holder[r]
#define copy_holder ; holder_in[r] = holder[r]
#else
#define look_at_holder
#define copy_holder
#endif
#ifdef BREAK_BEFORE
byte upper_first[RECORDS + 1];
#endif

#define each :: r < RECORDS -> r++;
#define no_more :: r == RECORDS -> r = 0; break

/* A record in the first copy, and in the second one. */
inline look() {
#ifdef BREAK_DESCRIPTION
  atomic { upper_in[r] = upper[r] };
#endif
#ifdef BREAK_BEFORE
  atomic { upper_first[r] = upper[r] };
#endif
  atomic { state_first[r] = state[r] };
  atomic { cell_first[r] = cell_of[r] look_at_holder };
  atomic { lower_first[r] = lower[r] }
}
inline copy() {
#ifndef BREAK_DESCRIPTION
  atomic { upper_in[r] = upper[r] };
#endif
  atomic { state_in[r] = state[r] };
  atomic { cell_in[r] = cell_of[r] copy_holder };
  atomic { lower_in[r] = lower[r] }
}
inline read_cells() {
  do each atomic { value[r] = (shown[r] -> cell[cell_in[r]] : 0) } no_more od
}

#ifdef BREAK_FIRST_COPY
#define same_state is_live(state_in[r])
#elif defined(BREAK_SECOND_COPY)
#define same_state is_live(state_first[r])
#elif defined(BREAK_SAME_WORD)
#define same_state (is_live(state_first[r]) && is_live(state_in[r]))
#else
#define same_state (is_live(state_first[r]) && state_in[r] == state_first[r])
#endif

#ifdef BREAK_BEHIND
#define same_behind true
#elif defined(BREAK_HOLDER)
#define same_behind (cell_in[r] == cell_first[r] && lower_in[r] == lower_first[r] && \
                     holder_in[r] == holder_first[r])
#elif defined(BREAK_BEFORE)
#define same_behind (cell_in[r] == cell_first[r] && lower_in[r] == lower_first[r] && \
                     upper_in[r] == upper_first[r])
#else
#define same_behind (cell_in[r] == cell_first[r] && lower_in[r] == lower_first[r])
#endif

#ifndef BREAK_THIRD_WORD
#define same_at_the_end (state[r] == state_in[r])
#else
#define same_at_the_end is_live(state[r])
#endif

/* A change of a record's state that a further read sees in its first copy, and leaves at that. */
#ifndef BREAK_NOW_LIVE
#define is_overlooked (!found[r] && !is_live(state_first[r]))
#else
#define is_overlooked (!found[r])
#endif

proctype reader() {
  byte r, reads, before, after;
  bool parse, found[RECORDS + 1], shown[RECORDS + 1];
again:
  skip; /* no d_step may be jumped to */
  d_step {
    before = reuses;
    do
    each
      live_before[r] = (is_live(state[r]) -> state[r] : 0);
      counted_before[r] = (live_before[r] != 0 && cell[cell_of[r]] == state[r])
    no_more
    od
  };

#ifndef BREAK_ONE_MOMENT
  do each look() no_more od;
#else
  do each look(); copy() no_more od;
#endif
  skip;
  d_step {
    parse = (reads == 0);
    do
    each
      if
      :: state_first[r] != state_known[r] && !is_overlooked -> parse = true
      :: else
      fi;
      state_known[r] = state_first[r]
    no_more
    od
  };
  if
  :: atomic { parse };
#ifndef BREAK_ONE_MOMENT
     do each copy() no_more od;
#endif
     skip;
     d_step {
       do each found[r] = (same_state && same_behind) no_more od;
#ifdef BREAK_SECOND_COPY
       do each state_in[r] = state_first[r] no_more od;
#endif
       parse = false
     }
  :: atomic { else }
  fi;
#ifdef BREAK_REUSES_LATE
  atomic { before = reuses };
#endif
  skip;
  d_step {
    assert(!(found[1] && found[2] && upper_in[1] == upper_in[2])); /* Once */
    assert(!(found[1] && found[2] && cell_in[1] == cell_in[2]));
    do
    each
      assert(!found[r] || (upper_in[r] == lower_in[r] && cell_in[r] != 0));
      shown[r] = found[r];
      state_first[r] = 0;
      cell_first[r] = 0;
      lower_first[r] = 0
    no_more
    od
  };

#ifdef BREAK_REUSES_EARLY
  atomic { after = reuses };
#endif
#ifndef BREAK_LOOK_EARLY
  read_cells();
#endif
#ifndef BREAK_REUSES_EARLY
  atomic { after = reuses };
#endif
#ifndef BREAK_THIRD_LOOK
  if
  :: atomic { after != before };
     do each atomic { shown[r] = (shown[r] && same_at_the_end) } no_more od
  :: atomic { else }
  fi;
#endif
#ifdef BREAK_LOOK_EARLY
  read_cells();
#endif

  skip;
  d_step {
    do
    each
      if
      :: shown[r] ->
         assert(upper_in[r] == identity_of[state_in[r]]); /* Its own counts */
         assert(value[r] == 0 || value[r] == state_in[r]);
         assert(!counted_before[r] || live_before[r] != state_in[r] || value[r] != 0)
      :: else -> /* What is there is shown */
         assert(live_before[r] == 0 || state[r] != live_before[r])
      fi;
      value[r] = 0;
      live_before[r] = 0;
      counted_before[r] = false;
      shown[r] = false
    no_more
    od;
    before = 0;
    after = 0;
    reads++
  };
  if
  :: reads < READS -> goto again
  :: else
  fi
}

init {
  atomic {
    upper[1] = 1; lower[1] = 1; state[1] = 2; cell_of[1] = 1; cell[1] = 2;
    identity_of[2] = 1;
#ifndef APPENDED
    upper[2] = 2; lower[2] = 2; state[2] = RESTING; cell_of[2] = 2;
#else
    upper[2] = 1; lower[2] = 1; state[2] = TAKEN; cell_of[2] = 2;
    run appender();
#endif
    run writer();
#if WRITERS > 1
    run writer();
#endif
    run reader()
  }
}
