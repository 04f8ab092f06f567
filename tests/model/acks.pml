/* acks.pml -- how a process with several threads finds out, at its set-up calls, that none of them
 * stores to a removed series any more.
 *
 * Checks the process's part of the rule for removed records that are used again:
 *   Nobody stores        while the process may take a removed series' record, no thread of it
 *                        stores through a handle that it has loaded before
 *   Removals don't starve it
 *                        new removals may come before all the time: if every thread was seen
 *                        between a set-up call and the next one, twice in a row, then all is
 *                        acknowledged that the first of the three has looked at
 *
 *   set-up, locked   c = clock; look; looks++; my place: seen = looks. If a handle was led nowhere:
 *                    wait for this look, or, while something waits, for the one after it (again).
 *                    Every place seen, and slow == 0: acked = the clock of that look.
 *                    Nothing waits: acked = c
 *   known labels()   n = looks; my place: seen = n
 *   first update     locked: a claim if the process has no slot (look, acked, and only then it
 *                    owns one); a place, seen = looks; unlock; then the handle's word; the store
 *   slow path        slow++; without a slot a shared lock of its own, and the series' state; the
 *                    handle's word; the store; unlock; slow--
 *
 * Two threads, and two series that are removed one after the other; all handles are from before.
 * What may be taken may be taken at once. holders.pml has what other processes hold, and SIGKILL,
 * which ends all threads of a process together and so changes nothing here. Left out: set-up calls
 * by a signal handler that interrupts an update, which are forbidden for this reason.
 *
 * Each BREAK_* takes away or moves one line; tests/model/check shows that each is missed. */

#define THREADS 2
#ifndef STEPS
#define STEPS 2 /* of each thread: updates, set-up calls and others */
#endif
#define SERIES 2

/* ---- the segment ---- */
byte clock = 1;
byte state[SERIES]; /* LIVE, REMOVED, or the clock of its removal */
#define LIVE 0
#define REMOVED 1

/* ---- the process ---- */
bool mutex, owned;
byte shared; /* locks, each one of a description of its own */
bool led[SERIES]; /* the handle's word leads nowhere */
byte looks = 1, slow, acked;
byte wait_look, wait_clock; /* 0: nothing waits */
bool again;
bool place[THREADS];
byte seen[THREADS];

/* ---- what only the checks see ---- */
byte last_look, last_clock; /* of the set-up call before */
bool in_a_row;              /* it had found every thread seen since the one before it */

#define takeable(s) (state[s] > REMOVED && owned && shared == 0 && acked >= state[s])
#define load(s) w = !led[s]
#define store(s) \
  if \
  :: w -> assert(!takeable(s)) /* Nobody stores */ \
  :: else \
  fi; \
  w = false

inline look() {
#ifndef BREAK_LOOK
  s = 0;
  do
  :: atomic {
       s < SERIES ->
       if
       :: state[s] != LIVE && !led[s] ->
          led[s] = true;
#ifndef BREAK_WAIT
          d = true
#endif
       :: else
       fi;
       s++
     }
  :: atomic { s == SERIES -> s = 0; break }
  od
#else
  skip
#endif
}

inline lock() {
  atomic { !mutex -> mutex = true }
}

inline setup() {
  lock();
  if
  :: atomic { clock == acked };
  :: atomic { clock != acked -> c = clock };
#ifdef BREAK_ACK_BEFORE_LOOK
     atomic {
       if
       :: wait_look == 0 && owned -> acked = c
       :: else
       fi
     };
#endif
     look();
     atomic {
#ifdef BREAK_LOOKS_CLOCK
       looks = c;
#else
       looks++;
#endif
       seen[me] = looks;
       if
#ifndef BREAK_RESTART
       :: d && wait_look != 0 ->
#ifndef BREAK_AGAIN
          again = true
#endif
       :: d && wait_look == 0 ->
#else
       :: d ->
#endif
          wait_look = looks; wait_clock = c
       :: else
       fi;
       d = false;
       quiet = true;
       all = true
     };
     /* the places, and what is under way without one */
     do
     :: atomic {
          s < THREADS ->
          if
#ifndef BREAK_PLACES
          :: place[s] && seen[s] < wait_look -> quiet = false
#endif
          :: else
          fi;
          if
          :: place[s] && seen[s] < last_look -> all = false
          :: else
          fi;
          s++
        }
     :: atomic { s == THREADS -> s = 0; break }
     od;
     atomic {
#ifndef BREAK_SLOW
       if
       :: slow != 0 -> quiet = false; all = false
       :: else
       fi;
#endif
       if
       :: quiet && wait_look != 0 ->
#ifndef BREAK_WAIT_CLOCK
          if
          :: owned -> acked = wait_clock
          :: else
          fi;
#else
          acked = c;
#endif
          wait_look = (again -> looks : 0);
          wait_clock = (again -> c : 0);
          again = false
       :: else
       fi;
       if
       :: wait_look == 0 && owned -> acked = c
       :: else
       fi;
       assert(!owned || !in_a_row || !all || acked >= last_clock); /* Removals don't starve it */
       in_a_row = owned && all; last_look = looks; last_clock = c;
       quiet = false; all = false; c = 0
     }
  fi;
  mutex = false
}

inline claim() {
#ifdef BREAK_OWNED
  owned = true;
#endif
  atomic { c = clock };
#ifndef BREAK_CLAIM_LOOK
  look();
#endif
  atomic { acked = c; c = 0; d = false };
  owned = true
}

proctype thread(byte me) {
  byte n, c, s, x;
  bool w, d, quiet, all, locked;
  do
  :: atomic { n < STEPS -> n++ };
     if
     :: x = 0
     :: x = 1
     fi;
     if
     :: atomic { place[me] -> load(x) }; /* an update */
        atomic { store(x) }
     :: atomic { place[me] -> c = looks }; /* labels() of a known series */
        atomic { seen[me] = c; c = 0 }
     :: atomic { place[me] -> place[me] = false } /* it ends; what comes now is late */
     :: setup()
     :: atomic { !place[me] }; /* the first update */
#ifdef BREAK_STALE_WORD
        atomic { load(x) };
#endif
        lock();
        if
        :: atomic { owned }
        :: atomic { !owned }; claim()
        fi;
        atomic { seen[me] = looks; place[me] = true; mutex = false };
#ifndef BREAK_STALE_WORD
        atomic { load(x) };
#endif
        atomic { store(x) }
     :: atomic { !place[me] }; /* the slow path */
#ifdef BREAK_SLOW_ORDER
        atomic { load(x) };
#endif
        slow++;
        if
        :: atomic { owned };
#ifndef BREAK_SLOW_ORDER
           atomic { load(x) };
#endif
           atomic { store(x) }
        :: atomic { !owned };
#ifndef BREAK_LATE_LOCK
#ifndef BREAK_DESCRIPTION
           shared++;
#else
           shared = 1; /* one description for all threads */
#endif
#endif
           if
           :: atomic { state[x] != LIVE }
           :: atomic { state[x] == LIVE };
#ifndef BREAK_SLOW_ORDER
              atomic { load(x) };
#endif
              atomic { store(x) }
           fi;
#ifndef BREAK_LATE_LOCK
#ifndef BREAK_DESCRIPTION
           shared--
#else
           shared = 0
#endif
#endif
        fi;
        slow--
     fi;
     x = 0
  :: break
  od;
  atomic { n = 0; x = 0 }
}

active proctype others() {
  byte s;
  do
  :: atomic { s < SERIES -> state[s] = REMOVED };
     atomic { clock++; state[s] = clock; s++ }
  :: atomic { s == SERIES -> break }
  od
}

init {
  atomic { run thread(0); run thread(1) }
}
