/* pending.pml -- a gauge that threads set, or add to, before their process has a slot, and the thread that claims it.
 *
 * Checks libmetrics/update/pending.h:
 *   The last value stands  no set that had returned before another one began is what the gauge shows in the end
 *   Nothing is lost        with ADDS, the gauge shows as many as were added
 *
 * One gauge: entries of others change nothing. The claimer holds the mutex, so that there is one. Each BREAK_* takes
 * away one line; tests/model/check shows that each is missed. */

#ifndef THREADS
#define THREADS 2
#endif
#define UPDATES 2 /* of each thread */
#define OPERATIONS (THREADS * UPDATES + 1)

#define NONE 0
#define END_OF_KEEPING 100
#define SETTLED 100

byte newest = NONE;        /* the list: each thread has one entry to link */
byte value[THREADS + 1];
byte cell;                 /* in the slot */
bool begun, owned;

/* ---- what nobody but the checks sees ---- */
bool returned[OPERATIONS]; /* by the value that the operation sets: from 1 on */
bool outdated[OPERATIONS];
byte running = THREADS + 1;

#ifdef ADDS
#define kept(before) (before + 1)
#else
#define kept(before) v
#endif

inline update_in_slot() {
#ifdef ADDS
  cell++
#else
  cell = v
#endif
}

proctype thread(byte t) {
  byte i, v, head, word, k;
  bool linked;
  do
  :: i == UPDATES -> break
  :: else ->
     i++;
     v = (t - 1) * UPDATES + i;
     d_step {
       k = 1;
       do
       :: k < OPERATIONS -> if :: returned[k] -> outdated[k] = true :: else fi; k++
       :: else -> break
       od;
       k = 0
     }
     if
     :: owned -> goto in_slot
     :: else -> head = newest
     fi;
again:
     if
     :: head == END_OF_KEEPING -> goto in_slot
     :: head != END_OF_KEEPING && head != NONE ->
        word = value[head];
replace:
        if
        :: word == SETTLED -> goto in_slot
        :: else
        fi;
#ifndef BREAK_KEEP_CAS
        if
        :: atomic { value[head] == word -> value[head] = kept(word) }
        :: atomic { else -> word = value[head]; goto replace }
        fi;
#else
        value[head] = kept(word);
#endif
        goto done
     :: head == NONE ->
        assert(!linked);
        value[t] = kept(0);
#ifndef BREAK_LINK_CAS
        if
        :: atomic { newest == head -> newest = t; linked = true }
        :: atomic { else -> head = newest; goto again }
        fi;
#else
        newest = t;
#endif
        goto done
     fi;
in_slot:
     assert(begun); /* else the process's slot is not the gauge's yet */
     update_in_slot();
done:
     returned[v] = true
  od;
  running--
}

proctype claimer() {
  byte head, settled, word;
#ifndef BREAK_BEGIN
  d_step { cell = 0; begun = true };
#endif
  head = newest;
  do
  :: head == END_OF_KEEPING -> break
  :: else ->
     if
     :: head != settled -> /* one gauge: at most one entry that is not settled */
#ifndef BREAK_SET_FIRST
        word = value[head];
set:
        cell = word;
#ifndef BREAK_SETTLE_CAS
        if
        :: atomic { value[head] == word -> value[head] = SETTLED }
        :: atomic { else -> word = value[head]; goto set }
        fi
#else
        value[head] = SETTLED
#endif
#else
        atomic { word = value[head]; value[head] = SETTLED };
        cell = word
#endif
     :: else
     fi;
     settled = head;
#ifndef BREAK_END_CAS
     if
     :: atomic { newest == head -> newest = END_OF_KEEPING; break }
     :: atomic { else -> head = newest }
     fi
#else
     newest = END_OF_KEEPING;
     break
#endif
  od;
#ifdef BREAK_BEGIN
  skip;
  d_step { cell = 0; begun = true };
#endif
  owned = true;
  running--
}

active proctype judge() {
  running == 0;
#ifdef ADDS
  assert(cell == THREADS * UPDATES) /* Nothing is lost */
#else
  assert(cell != 0 && !outdated[cell]) /* The last value stands */
#endif
}

init {
  byte t = 1;
  atomic {
    do
    :: t <= THREADS -> run thread(t); t++
    :: else -> break
    od;
    run claimer()
  }
}
