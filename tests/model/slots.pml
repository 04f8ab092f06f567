/* slots.pml -- claim, adoption, lanes, thread ends and live gauges, under SIGKILL at any step.
 *
 * Checks the invariants of libmetrics/update/claims.h and FORMAT.md:
 *   One writer             whoever is about to store to a slot owns it
 *   The living keep theirs who owns a slot keeps it until death, or gives it back
 *   Lock, then generation, then values
 *                          a value that a reader takes for a living process's was written by that process
 * and that counts are conserved: acknowledged <= sum <= begun, at every moment.
 *
 * A process's threads die together, and its lock with them, in one step: as the kernel has it. Each BREAK_* takes
 * away one line that an invariant needs; tests/model/check shows that each is missed. */

#ifndef WORKERS
#define WORKERS 2 /* processes; each has a further thread */
#endif
#ifndef SLOTS
#define SLOTS 1 /* first slots, 1..SLOTS, 2 at most: fewer than workers, so that they are adopted; and one lane */
#endif
#define NOBODY 0

/* ---- the kernel: for each first slot who holds its lock, and the generation that its length tells, 0: claiming ---- */
byte holder[SLOTS + 1];
byte told[SLOTS + 1];
bool killed[WORKERS + 1];

/* ---- the segment ---- */
byte generation[SLOTS + 1]; /* in the heads */
byte lane;                  /* the owner's word: slot * 16 + generation, 0 for none */
byte cell[SLOTS + 1];
byte lane_cell;
byte gauge[SLOTS + 1];     /* 0: unset; else who wrote it */
byte gauge_generation[SLOTS + 1];

/* ---- of each process ---- */
byte slot_of[WORKERS + 1];
byte generation_of[WORKERS + 1];

/* ---- what nobody but the checks sees ---- */
byte begun, acknowledged;

#define word_of(p) (slot_of[p] * 16 + generation_of[p])
#define sum (cell[1] + SECOND_CELL + lane_cell)
#if SLOTS > 1
#define SECOND_CELL cell[2]
#else
#define SECOND_CELL 0
#endif

/* certainly_dead(): one question to the kernel. */
#define certainly_dead(w) (holder[(w) / 16] == NOBODY || told[(w) / 16] != (w) % 16)

inline update(c, owned) {
  d_step {
    assert(owned); /* One writer; The living keep theirs */
    begun++;
    seen = c
  }
  d_step {
    assert(owned);
    c = seen + 1
  }
  acknowledged++
}

/* A thread that comes after its process has its slot: the first slot if it is not lent, else a lane. */
proctype further_thread(byte p) {
  byte seen, mine;
  {
    d_step {
      mine = word_of(p);
      seen = lane
    }
    if
#ifndef BREAK_LANE_DEATH
    :: seen != 0 && !certainly_dead(seen) -> goto end
#endif
    :: else
    fi;
#ifndef BREAK_LANE_CAS
    if
    :: atomic { lane == seen -> lane = mine }
    :: atomic { else -> goto end }
    fi;
#else
    lane = mine;
#endif
    update(lane_cell, lane == mine && !killed[p]);
    /* end_thread() */
    if
    :: atomic { lane == mine -> lane = 0 }
    :: atomic { else }
    fi
  } unless { killed[p] };
end: skip
}

proctype worker(byte p) {
  byte s, seen;
  {
    s = 1;
    do
    :: s > SLOTS -> goto end /* all are owned: counts in slot 0, which needs no owner */
    :: else ->
#ifndef BREAK_LOCK
       if
       :: atomic { holder[s] == NOBODY -> holder[s] = p; told[s] = 0; break }
       :: atomic { else -> s++ }
       fi
#else
       atomic { holder[s] = p; told[s] = 0 };
       break
#endif
    od;
    atomic {
#ifndef BREAK_GENERATION
      seen = generation[s];
      seen++
#else
      seen = 1 /* every owner's, so that a reader takes the last one's values for its own */
#endif
    }
    told[s] = seen; /* the lock grows, in one step */
#ifdef BREAK_ORDER
    gauge_generation[s] = seen; /* values before the one that had the slot is undone */
#endif
    d_step {
      generation[s] = seen;
      slot_of[p] = s;
      generation_of[p] = seen
    }
    /* Gauge::begin(), of a live mode */
#ifndef BREAK_UNSET
    gauge[s] = 0;
#endif
    gauge_generation[s] = generation_of[p];
    /* the thread that has claimed gets the first slot, a further one a lane */
    run further_thread(p);
    update(cell[s], holder[s] == p);
    atomic {
      assert(holder[s] == p); /* One writer */
      gauge[s] = p
    }
  } unless { killed[p] };
end: skip
}

/* SIGKILL: at any step of any process, once for each. The lock goes with the process. */
proctype killer(byte p) {
  byte s = 1;
  atomic {
    killed[p] = true;
    do
    :: s <= SLOTS && holder[s] == p -> holder[s] = NOBODY; told[s] = 0; s++
    :: s <= SLOTS && holder[s] != p -> s++
    :: s > SLOTS -> break
    od
  }
}

/* A scrape of a live gauge: the cells' copy, upwards, then the kernel's word. */
proctype reader() {
  byte g, value, s;
  s = 1;
  do
  :: s <= SLOTS ->
     g = gauge_generation[s];
     value = gauge[s];
     /* Lock, then generation, then values */
     assert(!(holder[s] != NOBODY && told[s] != 0 && told[s] == g && value != 0) ||
            value == holder[s]);
     s++
  :: else -> break
  od
}

/* Nothing is lost, nothing is counted twice. */
active proctype conservation() {
end:
  do
  :: d_step { !(acknowledged <= sum && sum <= begun) -> assert(false) }
  od
}

init {
  byte p = 1;
  atomic {
    do
    :: p <= WORKERS -> run worker(p); run killer(p); p++
    :: else -> break
    od
#ifndef NO_READER
    ;
    run reader()
#endif
  }
}
