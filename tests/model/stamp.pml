/* stamp.pml -- the date of a removal, which decides when the removed record may be taken.
 *
 * Checks the dating of removed records:
 *   Nobody stores  once a record is taken, a handle that its process still holds to it is one of
 *                  the life that is going on
 *
 *   remove   swap live(version) for removed(version); c = ++clock; swap removed(version) for
 *            resting(c): by the remover, or by whoever comes
 *   look     c = clock; a handle whose record has another state than it remembers leads nowhere;
 *            acked = c
 *   take     swap resting(r), if acked >= r; live again with another version; or given back, with
 *            a new clock
 *
 * The clock of the removal is a part of the state. BREAK_CELL keeps it in a word of its own, which
 * the next taker sets to 0: a remover that was stopped before it stored its clock there dates the
 * next life, with an old clock. BREAK_CELL_KEPT does not even set it to 0.
 *
 * Two removers, a taker's process that updates and looks, and one record. The process's threads
 * are acks.pml's, those of others holders.pml's. SIGKILL: a process that takes no further step;
 * nobody holds anything here that a death would release. Each BREAK_* takes away or moves one
 * line; tests/model/check shows that each is missed. */

#ifndef TAKES
#define TAKES 2
#endif
#ifndef REMOVALS
#define REMOVALS 2 /* of each remover */
#endif

/* ---- the segment ---- */
byte clock = 1;
byte kind = 0, rest = 1; /* one word, the state: rest is the version, or the clock */
#define LIVE 0
#define REMOVED 1
#define RESTING 2
#define TAKEN 3
#define is(k, r) (kind == k && rest == r)
#define become(k, r) kind = k; rest = r
byte version = 1; /* the chain's */
#ifdef BREAK_CELL
byte cell;
#endif

/* ---- the process that takes ---- */
byte handle = 1; /* the version of the state that it remembers; 0: nowhere */
byte acked = 1;

/* ---- what only the checks see ---- */
byte life = 1; /* whose cells they are: the version; 0: nobody's */

/* Dates the removal of version v. */
inline date(v) {
#ifndef BREAK_DATE_FIRST
  d_step { clock++; c = clock };
#endif
#ifdef BREAK_CELL
  d_step {
    if
    :: cell == 0 -> cell = c
    :: else
    fi
  }
#else
  d_step {
    if
#ifdef BREAK_DATE_SWAP
    :: kind == REMOVED -> become(RESTING, c)
#else
    :: is(REMOVED, v) -> become(RESTING, c)
#endif
    :: else
    fi
  }
#endif
}

active [2] proctype remover() {
  byte v, c, n;
  bool did;
  do
  :: atomic { n < REMOVALS -> n++ };
#ifdef BREAK_DATE_FIRST
     d_step { clock++; c = clock };
#endif
     d_step {
       v = (kind == LIVE -> rest : 0);
       did = v != 0;
       if
       :: did -> kind = REMOVED
       :: else
       fi
     };
     if
     :: atomic { did };
        date(v)
     :: atomic { !did }
     fi;
     atomic { v = 0; c = 0; did = false }
  :: break
  od;
  n = 0
}

/* Its other threads: updates, set-up calls and lookups. */
active proctype holder() {
  byte c, n;
  do
  :: atomic {
       n < 4 && handle != 0 -> n++;
       assert(life == handle) /* Nobody stores */
     }
  :: atomic { n < 4 && clock != acked -> n++; c = clock };
#ifndef BREAK_LOOK
     atomic {
       if
       :: handle != 0 && !is(LIVE, handle) -> handle = 0
       :: else
       fi
     };
#endif
     atomic { acked = c; c = 0 }
  :: atomic { n < 4 && handle == 0 && kind == LIVE -> n++; handle = rest }
  :: break
  od;
  n = 0
}

active proctype taker() {
  byte v, c, r, n;
  do
  :: atomic { n < TAKES -> n++ };
     d_step {
       v = (kind == REMOVED -> rest : 0)
     };
     if
     :: atomic { v != 0 }; /* its remover may be dead */
#ifdef BREAK_DATE_FIRST
        d_step { clock++; c = clock };
#endif
        date(v)
     :: atomic { v == 0 }
     fi;
#ifdef BREAK_CELL
     d_step { v = (kind == REMOVED -> rest : 0); r = cell };
#define restful is(REMOVED, v) && v != 0
#else
     d_step { r = (kind == RESTING -> rest : 0) };
#define restful is(RESTING, r)
#endif
     if
#ifndef BREAK_ACKED
     :: atomic { r != 0 && acked >= r };
#else
     :: atomic { r != 0 };
#endif
        if
        :: d_step { restful -> become(TAKEN, 0); life = 0 };
#if defined(BREAK_CELL) && !defined(BREAK_CELL_KEPT)
           cell = 0;
#endif
           if
           :: d_step { version++; life = version; become(LIVE, version) }
#ifndef BREAK_CELL
           :: d_step { clock++; c = clock }; /* it was not needed, or its taker has died */
              d_step { become(RESTING, c) }
#endif
           fi
        :: atomic { else }
        fi
     :: atomic { else }
     fi;
     atomic { v = 0; c = 0; r = 0 }
  :: break
  od;
  n = 0
}
