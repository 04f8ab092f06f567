/* directory.pml -- registration, removal and reading of records in one chain.
 *
 * Checks the invariants of FORMAT.md:
 *   One record        no two linked records have the same identity, unless all but the last are marked removed
 *   Linked is filled  a record that can be reached does not change any more, but for `next` and `removed`, and for a
 *                     family's `opened` (editions.pml)
 * the latter for registrants, who follow links as they are, and for readers, who copy the directory twice.
 *
 * SIGKILL needs no process of its own here: nobody holds anything that a death would release, so a registrant that
 * is killed is one that takes no further step, and every state is checked, not only the last ones.
 *
 * Each BREAK_* takes away one line that an invariant needs; tests/model/check shows that each is missed. */

#ifndef REGISTRANTS
#define REGISTRANTS 3
#endif
#define RECORDS (REGISTRANTS + 1) /* at most one for each; 0 is the chain's head */
#define IDENTITY(r) ((r) == REGISTRANTS -> 2 : 1) /* the last one registers something else */

byte used;           /* records reserved */
byte next[RECORDS];  /* of record 0: the chain's head in the index */
byte first[RECORDS]; /* a record has more than one word */
byte second[RECORDS];
bool removed[RECORDS];
bool linked[RECORDS]; /* what nobody but the checks sees */

#define filled(r) (first[r] != 0 && second[r] != 0)

inline fill(r) {
  first[r] = identity;
  second[r] = identity
}

proctype registrant(byte p) {
  byte at, there, mine, identity = IDENTITY(p);
    do
    :: /* walk to the end of the chain */
       there = next[at];
       if
       :: there == 0 -> /* the end: link here */
          if
          :: mine == 0 ->
             d_step { used++; mine = used };
#ifndef BREAK_FILL
             fill(mine)
#endif
          :: else
          fi;
#ifndef BREAK_CAS
          if
          :: d_step { next[at] == 0 -> next[at] = mine; linked[mine] = true }; break
          :: d_step { else -> there = next[at] } /* somebody was first: walk on from there */
#ifdef BREAK_WALK_ON
             ; do
             :: d_step { next[there] == 0 -> next[there] = mine; linked[mine] = true }; break
             :: d_step { next[there] != 0 -> there = next[there] }
             od;
             break
#endif
          fi
#else
          d_step { next[at] = mine; linked[mine] = true };
          break
#endif
       :: else -> /* a record: ours, or another one */
          assert(filled(there)); /* Linked is filled */
          if
          :: first[there] == identity && !removed[there] -> goto found
          :: else -> at = there
          fi
       fi
    od;
#ifdef BREAK_FILL
    fill(mine);
#endif
found:
    if
    :: true -> skip
    :: p == 1 -> /* one of them removes it again */
#ifndef BREAK_REMOVAL
       if
       :: mine != 0 -> removed[mine] = true
       :: else
       fi
#else
       first[mine] = 0 /* removed by changing it */
#endif
    fi
}

/* Copies all links, then all descriptions. One word at a time, upwards. */
proctype reader() {
  byte links[RECORDS], words[RECORDS];
  byte r = 0, at = 0, n = 0;
  byte most;
  most = used; /* from the header: later ones are left for the next time */
  do
  :: r <= most && r < RECORDS ->
#ifdef BREAK_TWO_COPIES
     words[r] = second[r]; /* in one pass, its description as it is on the way */
#endif
     links[r] = next[r];
     r++
  :: else -> break
  od;
#ifndef BREAK_TWO_COPIES
  r = 0;
  do
  :: r <= most && r < RECORDS -> words[r] = second[r]; r++
  :: else -> break
  od;
#endif
  at = links[0];
  do
  :: at != 0 && at <= most && n < RECORDS ->
     assert(words[at] != 0); /* Linked is filled */
     at = links[at];
     n++
  :: else -> break
  od
}

/* One record: of what can be reached, at every moment. A link that is overwritten loses a record, which is two for
 * who has it and who registers it anew. */
active proctype one_record() {
  byte at, ones, twos, n, all;
end:
  do
  :: d_step {
       at = next[0]; ones = 0; twos = 0; n = 0; all = 0;
       do
       :: at != 0 && n < RECORDS ->
          if
          :: !removed[at] && second[at] == 1 -> ones++
          :: !removed[at] && second[at] == 2 -> twos++
          :: else
          fi;
          at = next[at];
          n++
       :: else -> break
       od;
       do
       :: all < RECORDS ->
          if
          :: linked[all] -> n--
          :: else
          fi;
          all++
       :: else -> break
       od;
       assert(ones <= 1 && twos <= 1 && n == 0);
       at = 0; ones = 0; twos = 0; n = 0; all = 0
     }
  od
}

init {
  byte p = 1;
  atomic {
    do
    :: p <= REGISTRANTS -> run registrant(p); p++
    :: else -> break
    od;
    run reader()
  }
}
