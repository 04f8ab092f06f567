/* chain.pml -- records of one chain that are used again where they are: one commit for each
 * registration, under SIGKILL at any step.
 *
 * Checks the invariants of registration with records that are used again:
 *   One record      at most one record of an identity is live
 *   Live is filled  nobody writes to a record that is live, or that the chain's word has committed
 *   One taker       a record that is taken has one writer
 *   Nobody waits    a living registrant ends with a live record of its identity, or one that was
 *                   removed meanwhile, in a bounded number of its own steps
 *
 *   walk     each live record of the chain: its strings, then its state again. None is mine: take a
 *            resting one, or append one, which is filled before it is linked. A taken one whose
 *            owner is dead becomes resting again
 *   fill     word by word
 *   commit   w = the chain's word; help: the record that it names, if it is committing that
 *            version, becomes live; walk again, found one: give mine back; mine is committing the
 *            next version; swap the word, or all of this again; help
 *
 * Left out: whose cells they are (holders.pml), so that a removed record rests, and may be taken,
 * at once; clocks of removals, so that a swap from resting to taken may even succeed for a later
 * rest than was looked at; how a record is linked (directory.pml). Readers: reuse_read.pml.
 *
 * A killed registrant is gone in the same step, which takes a rendezvous with the killer: so spin
 * must not reduce by partial order (-DNOREDUCE). Each BREAK_* takes away or moves one line;
 * tests/model/check shows that each is missed. */

#ifndef REGISTRANTS
#define REGISTRANTS 2
#endif
#ifndef RESTING_FIRST
#define RESTING_FIRST 1 /* records that rest in the chain; others are appended */
#endif
#define RECORDS (RESTING_FIRST + REGISTRANTS)
#ifndef SAME
#define IDENTITY(p) ((p) == REGISTRANTS -> 2 : 1) /* what registrant p registers */
#else
#define IDENTITY(p) 1
#endif
#ifndef REMOVALS
#define REMOVALS 2
#endif

/* ---- the chain ---- */
byte word_version, word_record; /* one word; record 0: nothing was committed */
byte linked = RESTING_FIRST;
byte kind[RECORDS + 1], version[RECORDS + 1]; /* one word; of a taken one: its owner */
byte first[RECORDS + 1], second[RECORDS + 1]; /* the identity takes more than one word */
#define LIVE 1
#define RESTING 2
#define TAKEN 3
#define COMMITTING 4
#define is(r, k, v) (kind[r] == k && version[r] == v)
#define become(r, k, v) kind[r] = k; version[r] = v

/* ---- what only the killer and the checks see ---- */
chan kill = [0] of { byte };
bool dead[REGISTRANTS + 1]; /* the kernel's word */
hidden byte r_, ones_, twos_;

inline check() {
  r_ = 1; ones_ = 0; twos_ = 0;
  do
  :: r_ <= RECORDS ->
     if
     :: kind[r_] == LIVE ->
        assert(first[r_] == second[r_] && first[r_] != 0); /* Live is filled */
        if
        :: first[r_] == 1 -> ones_++
        :: else -> twos_++
        fi;
        assert(ones_ <= 1 && twos_ <= 1) /* One record */
     :: else
     fi;
     r_++
  :: else -> break
  od
}

inline help(v, r) {
  d_step {
    if
#ifndef BREAK_HELP_VERSION
    :: r != 0 && is(r, COMMITTING, v) -> become(r, LIVE, v); check()
#else
    :: r != 0 && kind[r] == COMMITTING -> kind[r] = LIVE; check()
#endif
    :: else
    fi
  }
}

inline write(field) {
  d_step {
    assert(is(mine, TAKEN, p)); /* One taker; Live is filled */
    field = IDENTITY(p)
  }
}
inline fill() {
  d_step { assert(is(mine, TAKEN, p)); first[mine] = 0 };
  write(second[mine]);
  write(first[mine])
}

inline walk() {
  d_step { at = 1; found = 0; candidate = 0 };
  do
  :: atomic { at > linked -> at = 0; k = 0; v = 0; break }
  :: atomic { at <= linked -> k = kind[at]; v = version[at] };
     if
     :: atomic { k == LIVE };
        if
        :: atomic { first[at] == IDENTITY(p) };
           if
           :: atomic { second[at] == IDENTITY(p) };
              if
#ifndef BREAK_RECHECK
              :: atomic { is(at, k, v) -> found = at; assert(first[at] == IDENTITY(p)) }
              :: atomic { else }
#else
              :: atomic {
                   found = at;
                   assert(kind[at] != LIVE || first[at] == IDENTITY(p))
                 }
#endif
              fi;
              atomic {
                if
                :: found != 0 -> at = 0; k = 0; v = 0; break
                :: else
                fi
              }
           :: atomic { else }
           fi
        :: atomic { else }
        fi
     :: atomic { k == RESTING -> candidate = at }
#ifndef BREAK_ALIVE
     :: atomic { k == TAKEN && v != p && dead[v] };
#else
     :: atomic { k == TAKEN && v != p };
#endif
        d_step {
          if
          :: is(at, TAKEN, v) -> become(at, RESTING, 0); candidate = at
          :: else
          fi
        }
     :: atomic { else }
     fi;
     at++
  od
}

proctype registrant(byte p) {
  byte w_version, w_record, at, mine, found, candidate, k, v, tries;
  {
#ifdef BREAK_ORDER
    d_step { w_version = word_version; w_record = word_record };
#endif
    walk();
    if
    :: atomic { found != 0 -> goto done }
    :: atomic { else }
    fi;
    if
    :: d_step {
         candidate != 0 && kind[candidate] == RESTING ->
         become(candidate, TAKEN, p);
         mine = candidate
       };
#ifndef BREAK_FILL
       fill()
#endif
    :: d_step { /* or there is none, or it was taken: append one */
         candidate == 0 || kind[candidate] != RESTING ->
         linked++;
         mine = linked;
         become(mine, TAKEN, p);
         first[mine] = IDENTITY(p);
         second[mine] = IDENTITY(p)
       }
    fi;
    do
    :: atomic { tries++; assert(tries <= REGISTRANTS + REMOVALS) }; /* Nobody waits */
#ifdef BREAK_ORDER
       if
       :: d_step { tries > 1 -> w_version = word_version; w_record = word_record }
       :: d_step { tries == 1 }
       fi;
#else
       d_step { w_version = word_version; w_record = word_record };
#endif
#ifndef BREAK_HELP
       help(w_version, w_record);
#endif
#ifndef BREAK_WALK_AGAIN
       walk();
       if
       :: atomic {
            found != 0 ->
            assert(kind[mine] == TAKEN || kind[mine] == COMMITTING); /* One taker */
            become(mine, RESTING, 0);
            goto done
          }
       :: atomic { else }
       fi;
#endif
       d_step { become(mine, COMMITTING, w_version + 1) };
       if
#ifndef BREAK_COMMIT
       :: d_step {
            word_version == w_version && word_record == w_record ->
            word_version = w_version + 1;
            word_record = mine
          };
          break
       :: atomic { else }
#else
       :: d_step { word_version = w_version + 1; word_record = mine }; break
#endif
       fi
    od;
#ifdef BREAK_FILL
    fill();
#endif
    help(w_version + 1, mine);
done:
    atomic {
      w_version = 0; w_record = 0; at = 0; mine = 0; found = 0; candidate = 0; k = 0; v = 0;
      tries = 0
    };
end_here:
    false
  } unless {
    d_step {
      kill?eval(p) ->
      dead[p] = true;
      w_version = 0; w_record = 0; at = 0; mine = 0; found = 0; candidate = 0; k = 0; v = 0;
      tries = 0
    }
  };
end:
  false
}

/* Removes what is live, at any time. */
proctype remover() {
  byte n, r;
  do
  :: atomic {
       n < REMOVALS -> n++; r = 1;
       do
       :: r < RECORDS -> r++
       :: break
       od
     };
     d_step {
       if
       :: kind[r] == LIVE -> become(r, RESTING, 0)
       :: else
       fi;
       r = 0
     }
  :: break
  od;
  n = 0;
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

init {
  byte p = 1;
  atomic {
    do
    :: p <= RESTING_FIRST -> become(p, RESTING, 0); p++
    :: else -> break
    od;
#ifdef REGISTERED
    become(1, LIVE, 1);
    first[1] = 1;
    second[1] = 1;
    word_version = 1;
    word_record = 1;
#endif
    p = 1;
    do
    :: p <= REGISTRANTS -> run registrant(p); p++
    :: else -> break
    od;
    p = 0;
    run remover();
    run killer()
  }
}
