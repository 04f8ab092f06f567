/* editions.pml -- a family whose definition changes: registrants of two editions of one name, under
 * SIGKILL at any step, and a reader that reads twice.
 *
 * Checks the invariants of FORMAT.md for the editions of a name:
 *   One record         no two linked records have the same definition
 *   Linked is filled   a record that can be reached is filled, `opened` included, and `opened` only
 *                      grows
 * and these:
 *   Last start, last edition
 *                      the edition with the largest `opened` is the one that the process which
 *                      started last has defined last; a registrant that is killed has changed
 *                      nothing, or counts as one that has defined it
 *   Nothing goes down  a read shows the sum of all editions, whichever is the last: no less than
 *                      the read before showed, and no less than was acknowledged before it began
 *   Nobody waits       a living registrant gets a record of its definition, in a bounded number of
 *                      its own steps
 *
 * Registrant 1 defines edition 1 and then edition 2, and forks registrant 3; registrants 2 and 3
 * define edition 2. An edition has one series here, whose cells stand in the family's record:
 * directory.pml has how series are registered.
 *
 * A killed registrant is gone in the same step, which takes a rendezvous with the killer: so spin
 * must not reduce by partial order (-DNOREDUCE). Each BREAK_* takes away one line that an invariant
 * needs; tests/model/check shows that each is missed. */

#ifndef REGISTRANTS
#define REGISTRANTS 2 /* or 3 */
#endif
#ifndef ONCE
#define DEFINITIONS(p) ((p) == 1 -> 2 : 1)
#else
#define DEFINITIONS(p) 1 /* registrant 1 defines edition 1 alone */
#endif
#define DEFINITION(p, n) ((p) == 1 && (n) == 1 -> 1 : 2) /* the n-th of registrant p */
#define RECORDS 5 /* at most one for each definition; 0 is the chain's head */

/* ---- the segment ---- */
byte starts;              /* in the header */
byte used;                /* records reserved */
byte next[RECORDS];       /* of record 0: the chain's head in the index */
byte definition[RECORDS]; /* 0: not filled */
byte opened[RECORDS];     /* start * 4 + sequence; 0: not filled */
byte count[RECORDS];      /* the sum of the series' cells in all slots */
#ifdef BREAK_LOCK_FREE
bool locked;
#endif

#define filled(r) (definition[r] != 0 && opened[r] != 0)

/* ---- what only the killer and the checks see ---- */
chan kill = [0] of { byte };
byte registrant_of[REGISTRANTS + 1]; /* by start */
byte defined;                        /* the largest `opened` that a returned definition asked for */
byte acknowledged;                   /* counts */
hidden byte r_, ones_, twos_, newest_, last_;

/* Checks all that can be reached, as a part of each step that changes it. */
inline check() {
  r_ = next[0]; ones_ = 0; twos_ = 0; newest_ = 0; last_ = 0;
  do
  :: r_ != 0 ->
     assert(filled(r_)); /* Linked is filled */
     if
     :: definition[r_] == 1 -> ones_++
     :: else -> twos_++
     fi;
     assert(ones_ <= 1 && twos_ <= 1); /* One record */
     assert(opened[r_] != newest_);    /* Last start, last edition: never two */
     if
     :: opened[r_] > newest_ -> newest_ = opened[r_]; last_ = definition[r_]
     :: else
     fi;
     r_ = next[r_]
  :: else -> break
  od;
  assert(newest_ >= defined); /* Last start, last edition */
  assert(newest_ == 0 || last_ == DEFINITION(registrant_of[newest_ / 4], newest_ % 4))
}

/* ---- steps of a registrant ---- */
#define wanted DEFINITION(p, sequence)
#ifndef BREAK_SEQUENCE
#define word (start * 4 + sequence)
#else
#define word (start * 4 + 1)
#endif

/* The process's first call of the library. */
inline take_start() {
#ifndef BREAK_START
  if
#ifdef BREAK_FORK
  :: start != 0 -> skip /* its parent's */
  :: d_step { start == 0 -> starts++; start = starts; registrant_of[start] = p }
#else
  :: d_step { starts++; start = starts; registrant_of[start] = p }
#endif
  fi
#else
  start = starts + 1;
  d_step { starts = start; registrant_of[start] = p }
#endif
}

inline link() {
  next[at] = mine;
  there = mine;
  check()
}

inline store_opened() {
  assert(opened[there] < word); /* Linked is filled */
  opened[there] = word;
  check()
}

proctype registrant(byte p, start) {
  byte sequence = 1, at, there, mine, seen;
  byte failed; /* swaps of `opened` */
  {
    take_start();
    atomic {
      if
      :: p == 1 && REGISTRANTS == 3 -> run registrant(3, start)
      :: else
      fi
    };
    do
    ::
#ifdef BREAK_LOCK_FREE
       d_step { !locked -> locked = true }; /* a mutex in the segment */
#endif
       /* Walks to the end of the chain and links there. A linked record is filled, so comparing
        * its definition takes no step of its own. */
       do
#ifndef BREAK_WALK_ON
       :: d_step { next[at] != 0 && definition[next[at]] == wanted -> there = next[at] }; break
#ifndef BREAK_PASS_BY
       :: d_step { next[at] != 0 && definition[next[at]] != wanted -> at = next[at] }
#else
       :: d_step { next[at] != 0 && definition[next[at]] != wanted -> mine = 0 }; break
#endif
#else
       :: d_step {
            next[at] != 0 && definition[next[at]] == wanted && mine == 0 -> there = next[at]
          };
          break
       :: d_step {
            next[at] != 0 && (definition[next[at]] != wanted || mine != 0) -> at = next[at]
          }
#endif
       :: d_step { next[at] == 0 && mine == 0 -> used++; mine = used };
#ifndef BREAK_FILL
          definition[mine] = wanted;
#endif
#ifndef BREAK_OPENED
          opened[mine] = word
#endif
       /* The swap. One that fails changes nothing: the registrant walks on from there. */
#ifndef BREAK_LINK_CAS
       :: d_step { next[at] == 0 && mine != 0 -> link() }; break
#else
       :: next[at] == 0 && mine != 0 -> d_step { link() }; break
#endif
       od;
#ifdef BREAK_LOCK_FREE
       locked = false;
#endif
#ifdef BREAK_FILL
       definition[mine] = wanted;
#endif
#ifdef BREAK_OPENED
       opened[mine] = word;
#endif
       if
#ifndef BREAK_RAISE
       :: atomic { there != mine -> seen = opened[there] }; /* found: raise its `opened` */
          do
#ifndef BREAK_LARGER
          :: seen >= word -> break
          :: seen < word ->
#else
          ::
#endif
             if
#ifndef BREAK_RAISE_CAS
             :: d_step { opened[there] == seen -> store_opened() }; break
             :: d_step {
                  opened[there] != seen -> failed++;
                  assert(failed < REGISTRANTS); /* Nobody waits: others that raise it do so once */
#ifndef BREAK_RELOAD
                  seen = opened[there]
#endif
                }
#ifdef BREAK_RETRY
                ; break
#endif
#else
             :: d_step { store_opened() }; break
#endif
             fi
          od
#endif
       :: else
       fi;
       atomic {
         assert(definition[there] == wanted); /* Nobody waits, and nobody is refused */
         d_step {
           if
           :: defined < word -> defined = word
           :: else
           fi;
           check();
           count[there]++; acknowledged++; /* an update */
           at = 0; there = 0; mine = 0; seen = 0; failed = 0
         };
         if
         :: sequence < DEFINITIONS(p) -> sequence++
         :: else -> start = 0; sequence = 0; break
         fi
       }
    od
  } unless {
    d_step {
      kill?eval(p) ->
      start = 0; sequence = 0; at = 0; there = 0; mine = 0; seen = 0; failed = 0
    }
  };
end:
  false
}

/* SIGKILL: at any step, of any of the registrants, of all or of none. */
proctype killer() {
  do
  :: kill!1
  :: kill!2
  :: kill!3
  :: break
  od;
end:
  false
}

/* Copies all links, then all records, one word at a time, upwards. Then adds the cells of all
 * editions. */
proctype reader() {
  byte links[RECORDS], definitions[RECORDS], openeds[RECORDS];
  byte reads, r, most, sum, newest, last;
  byte sum_before, newest_before, last_before; /* shown by the read before */
  byte acknowledged_before, defined_before;    /* when this read began */
  do
  :: d_step {
       reads < 2 ->
       acknowledged_before = acknowledged;
       defined_before = defined;
       most = used /* from the header: later ones are left for the next time */
     };
     do
     :: d_step {
          r <= most ->
#ifdef BREAK_TWO_COPIES
          definitions[r] = definition[r]; /* in one pass, the record as it is on the way */
          openeds[r] = opened[r];
#endif
          links[r] = next[r];
          r++
        }
     :: atomic { r > most -> r = 1; break }
     od;
     do
#ifndef BREAK_TWO_COPIES
     :: atomic { r <= most -> definitions[r] = definition[r] };
        d_step { openeds[r] = opened[r]; r++ }
     :: atomic { r > most -> r = links[0]; break }
#else
     :: atomic { true -> r = links[0]; break }
#endif
     od;
     do
     :: d_step {
          r != 0 && r <= most ->
          assert(definitions[r] != 0 && openeds[r] != 0); /* Linked is filled */
#ifndef BREAK_ALL_EDITIONS
          sum = sum + count[r];
#endif
          if
#ifndef BREAK_LARGEST
          :: openeds[r] > newest ->
#else
          :: true -> /* the chain's last one */
#endif
             newest = openeds[r];
             last = definitions[r];
#ifdef BREAK_ALL_EDITIONS
             sum = count[r]
#endif
          :: else
          fi;
          r = links[r]
        }
     :: atomic {
          else ->
          d_step {
            assert(sum >= sum_before && sum >= acknowledged_before); /* Nothing goes down */
            /* Last start, last edition */
            assert(newest >= newest_before && newest >= defined_before);
            assert(newest != newest_before || last == last_before);
            sum_before = sum; newest_before = newest; last_before = last;
            acknowledged_before = 0; defined_before = 0;
            most = 0; sum = 0; newest = 0; last = 0;
            r = 0;
            do
            :: r < RECORDS -> links[r] = 0; definitions[r] = 0; openeds[r] = 0; r++
            :: else -> break
            od;
            r = 0;
            reads++
          };
          break
        }
     od
  :: reads == 2 -> break
  od;
end:
  false
}

init {
  atomic {
    run registrant(1, 0);
    run registrant(2, 0);
    run killer()
#ifndef NO_READER
    ;
    run reader()
#endif
  }
}
