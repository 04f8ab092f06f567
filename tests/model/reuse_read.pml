/* reuse_read.pml -- a reader beside removed records that are used again.
 *
 * Checks what a reader shows of series whose records may be taken meanwhile:
 *   Its own counts    what is shown of a series was counted by that series, and by no other one
 *                     that has had its cell or its record
 *   Once              no series is shown twice
 *   What is there is shown
 *                     a series that was live from before the read until after it is in it
 *
 *   take     resting -> taken; reuses++; its cell = 0; identity, cell; reuses++; the commit
 *   read     reuses; a copy of the records, one word at a time, upwards; the cells; reuses again.
 *            If it has moved: another copy, upwards too. Shown is what is live with one and the
 *            same state in both, and whose identity and cell are the same in both. If it hasn't: of
 *            live records of one identity the one with the largest version
 *
 * Of an identity, which takes several words, one is copied before the state and one after it:
 * strings may stand anywhere. Records of one chain: the copy of the links before is
 * directory.pml's, as all of these are linked already. Cells go from record to record. Commits are
 * single steps (chain.pml), and what is removed rests and may be taken at once (holders.pml). There
 * is one slot. SIGKILL: a process that takes no further step.
 *
 * Each BREAK_* takes away or moves one line; tests/model/check shows that each is missed. */

#define RECORDS 2 /* and as many cells */
#ifndef WRITERS
#define WRITERS 1
#endif
#ifndef STEPS
#define STEPS 4 /* of each writer: removals, takes, updates and lookups */
#endif

/* ---- the segment ---- */
byte reuses;
byte upper[RECORDS + 1], lower[RECORDS + 1]; /* the identity: before the state, and behind it */
byte kind[RECORDS + 1], version[RECORDS + 1]; /* one word, the state */
#define RESTING 0
#define LIVE 1
#define TAKEN 2
byte cell_of[RECORDS + 1]; /* 0: none */
byte holder[RECORDS + 1];  /* changes while a record is live */
byte cell[RECORDS + 1];    /* 0, or the version of the life that has counted there */
byte versions = 1;         /* the chain's */

/* ---- what only the checks see ---- */
#define VERSIONS 8
byte identity_of[VERSIONS];
byte live_before[RECORDS + 1]; /* the version, if it is live when the read begins */

/* ---- a reader's copies ---- */
#define COPIES (2 * RECORDS + 1) /* of record r: r, and in the second copy RECORDS + r */
byte upper_in[COPIES], lower_in[COPIES], version_in[COPIES], cell_in[COPIES], holder_in[COPIES];
byte value[RECORDS + 1];

inline commit(r, i) {
  atomic {
    if
    :: versions + 1 < VERSIONS &&
       !(kind[1] == LIVE && upper[1] == i) && !(kind[2] == LIVE && upper[2] == i) ->
       versions++;
       version[r] = versions;
       identity_of[versions] = i;
       kind[r] = LIVE
    :: else -> kind[r] = RESTING; version[r] = 0 /* given back */
    fi
  }
}

proctype writer() {
  byte n, r, i, c;
  do
  :: atomic { n < STEPS -> n++; if :: r = 1 :: r = 2 fi; if :: i = 1 :: i = 2 fi };
     if
     :: atomic { kind[r] == LIVE -> kind[r] = RESTING; version[r] = 0 } /* removed */
     :: atomic { kind[r] == LIVE && cell_of[r] != 0 -> cell[cell_of[r]] = version[r] } /* counted */
     :: atomic { kind[r] == LIVE && holder[r] == 0 -> holder[r] = 1 } /* looked up */
     :: atomic { kind[r] == RESTING -> kind[r] = TAKEN; version[r] = 0 };
        if
        :: atomic { cell_of[r] == 0 && kind[3 - r] == RESTING && cell_of[3 - r] != 0 };
           /* no cell: the other record's */
           if
           :: atomic { kind[3 - r] == RESTING -> kind[3 - r] = TAKEN; c = cell_of[3 - r] };
#ifndef BREAK_REUSES_BEFORE
              reuses++;
#endif
#ifndef BREAK_ZERO
              cell[c] = 0;
#endif
              atomic { cell_of[3 - r] = 0 };
              atomic { kind[3 - r] = RESTING; cell_of[r] = c; c = 0 }
           :: atomic { else }
           fi
        :: atomic { else };
#ifndef BREAK_REUSES_BEFORE
           reuses++;
#endif
#ifndef BREAK_ZERO
           if
           :: atomic { cell_of[r] != 0 -> cell[cell_of[r]] = 0 }
           :: atomic { else }
           fi
#endif
        fi;
        atomic { lower[r] = i; holder[r] = 0 };
        atomic { upper[r] = i };
#ifndef BREAK_REUSES_AFTER
        reuses++;
#endif
        if
        :: atomic { cell_of[r] != 0 }; commit(r, i)
        :: atomic { cell_of[r] == 0 -> kind[r] = RESTING } /* none to be had: given back */
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

inline copy(base) {
  r = 1;
  do
  :: atomic { r <= RECORDS -> upper_in[base + r] = upper[r] };
     atomic { version_in[base + r] = (kind[r] == LIVE -> version[r] : 0) };
     atomic { cell_in[base + r] = cell_of[r]; holder_in[base + r] = holder[r] };
     atomic { lower_in[base + r] = lower[r]; r++ }
  :: atomic { r > RECORDS -> r = 0; break }
  od
}
inline copy_down(base) {
  r = RECORDS;
  do
  :: atomic { r > 0 -> lower_in[base + r] = lower[r] };
     atomic { cell_in[base + r] = cell_of[r]; holder_in[base + r] = holder[r] };
     atomic { version_in[base + r] = (kind[r] == LIVE -> version[r] : 0) };
     atomic { upper_in[base + r] = upper[r]; r-- }
  :: atomic { r == 0 -> break }
  od
}

#define moved(array) (array[r] != array[RECORDS + r])

proctype reader() {
  byte r, before, after;
  bool shown[RECORDS + 1];
  d_step {
    before = reuses;
    r = 1;
    do
    :: r <= RECORDS -> live_before[r] = (kind[r] == LIVE -> version[r] : 0); r++
    :: else -> r = 0; break
    od
  };
  copy(0);
#ifdef BREAK_REUSES_EARLY
  atomic { after = reuses };
#endif
  r = 1;
  do
  :: atomic { r <= RECORDS -> value[r] = cell[cell_in[r]]; r++ }
  :: atomic { r > RECORDS -> r = 0; break }
  od;
#ifndef BREAK_REUSES_EARLY
  atomic { after = reuses };
#endif
  if
  :: atomic { after != before };
#ifndef BREAK_UPWARDS
     copy(RECORDS)
#else
     copy_down(RECORDS)
#endif
  :: atomic { else }
  fi;
#ifdef BREAK_THIRD_COPY
  after = before;
#endif
  skip;
  d_step {
    r = 1;
    do
    :: r <= RECORDS ->
       if
       :: version_in[r] == 0 -> skip
#ifndef BREAK_COMPARE_STATE
       :: version_in[r] != 0 && after != before && moved(version_in) -> skip
#endif
#ifndef BREAK_COMPARE_REST
       :: version_in[r] != 0 && after != before && !moved(version_in) &&
          (moved(upper_in) || moved(lower_in) || moved(cell_in)) -> skip
#endif
#ifdef BREAK_HOLDER
       :: version_in[r] != 0 && after != before && moved(holder_in) -> skip
#endif
       :: else -> shown[r] = true
       fi;
       r++
    :: else -> r = 1; break
    od;
    /* two of one identity were never live at once: the older one was removed meanwhile */
    if
    :: shown[1] && shown[2] && upper_in[1] == upper_in[2] ->
#ifndef BREAK_LARGEST
       if
       :: version_in[1] > version_in[2] -> shown[2] = false
       :: else -> shown[1] = false
       fi
#endif
    :: else
    fi;
    assert(!(shown[1] && shown[2] && upper_in[1] == upper_in[2])); /* Once */
    do
    :: r <= RECORDS ->
       if
       :: shown[r] ->
          assert(upper_in[r] == lower_in[r]);
          assert(upper_in[r] == identity_of[version_in[r]]);
          assert(value[r] == 0 || identity_of[value[r]] == upper_in[r]); /* Its own counts */
          assert(value[r] == 0 || value[r] == version_in[r])
       :: else -> /* What is there is shown */
          assert(!(live_before[r] != 0 && kind[r] == LIVE && version[r] == live_before[r]))
       fi;
       r++
    :: else -> break
    od
  }
}

init {
  atomic {
    upper[1] = 1; lower[1] = 1; kind[1] = LIVE; version[1] = 1; cell_of[1] = 1; cell[1] = 1;
    identity_of[1] = 1;
#ifndef APPENDED
    upper[2] = 2; lower[2] = 2; kind[2] = RESTING; cell_of[2] = 2;
#else
    upper[2] = 1; lower[2] = 1; kind[2] = TAKEN; cell_of[2] = 2;
    run appender();
#endif
    run writer();
#if WRITERS > 1
    run writer();
#endif
    run reader()
  }
}
