/* cells.pml -- cells that go from removed record to removed record, under SIGKILL at any step.
 *
 * Checks that cells change hands once:
 *   One owner  no two live records have a cell in common, and none has one that it was not given
 *
 *   fits      what a taken record has is enough, and at most twice that: it stays
 *   reserve   none first: its room = 0; then first; then room
 *   hand over take a removed record that has what fits; its room = 0; give it back; then mine as
 *             above. What mine had before is lost with that, unless it is given to the other one
 *   dead      a taken record whose taker is dead is removed again, with the words that it has
 *
 * The same holds for the room of strings. A record's cells are two words here, first and room,
 * which a killed taker leaves as they are. Left out: who may take (holders.pml), zeroing, the
 * commit (chain.pml), which here is one step.
 *
 * A killed taker is gone in the same step, which takes a rendezvous with the killer: so spin must
 * not reduce by partial order (-DNOREDUCE). Each BREAK_* takes away or moves one line;
 * tests/model/check shows that each is missed. */

#define RECORDS 2
#ifndef TAKERS
#define TAKERS 2
#endif
#ifndef TAKES
#define TAKES 4 /* of each */
#endif
#define CELLS 15

/* ---- the segment ---- */
byte kind[RECORDS + 1]; /* and the taker */
#define RESTING 0
#define LIVE 1
#define TAKEN(p) (2 + (p))
byte first[RECORDS + 1], room[RECORDS + 1];
byte used;

/* ---- what only the killer and the checks see ---- */
chan kill = [0] of { byte };
bool dead[TAKERS + 1];
hidden byte r_;

#define fits(have) (have >= need && have <= 2 * need)
#define apart(a, b) \
  (kind[a] != LIVE || kind[b] != LIVE || first[a] + room[a] <= first[b] || \
   first[b] + room[b] <= first[a])

inline commit() {
  d_step {
    kind[mine] = LIVE;
    assert(fits(room[mine]) && first[mine] + room[mine] <= used);
    assert(apart(1, 2)); /* One owner */
    mine = 0
  }
}

inline set_cells(where, size) {
#ifndef BREAK_NONE_FIRST
  room[mine] = 0;
#endif
  first[mine] = where;
  room[mine] = size
}

proctype taker(byte p) {
  byte n, need, mine, other, where, size;
  {
    do
    :: atomic {
         n < TAKES -> n++;
         if
         :: need = 1
         :: need = 3
         fi;
         if
         :: mine = 1
         :: mine = 2
         fi
       };
       if /* removed, or of a dead taker; or live, and then removed */
       :: d_step { kind[mine] == RESTING -> kind[mine] = TAKEN(p) };
          if
          :: atomic { fits(room[mine]) }
          :: atomic { !fits(room[mine]) -> other = 3 - mine };
             if
             :: d_step { kind[other] == RESTING && fits(room[other]) -> kind[other] = TAKEN(p) };
                d_step { where = first[other]; size = room[other] };
#if !defined(BREAK_GIVER) && !defined(BREAK_GIVER_AFTER)
                room[other] = 0;
#endif
#ifndef BREAK_GIVER_AFTER
                d_step { kind[other] = RESTING };
#endif
                set_cells(where, size);
#ifdef BREAK_GIVER_AFTER
                room[other] = 0;
                d_step { kind[other] = RESTING };
#endif
                skip
             :: atomic { used + need <= CELLS -> where = used; used = used + need };
                set_cells(where, need)
             :: atomic { else } /* full */
             fi
          fi;
          if
          :: atomic { fits(room[mine]) }; commit()
          :: d_step { !fits(room[mine]) -> kind[mine] = RESTING } /* refused */
          fi
       :: d_step { kind[mine] == LIVE -> kind[mine] = RESTING }
       :: d_step { kind[mine] > TAKEN(0) && dead[kind[mine] - 2] -> kind[mine] = RESTING }
       :: atomic { else }
       fi;
       atomic { need = 0; mine = 0; other = 0; where = 0; size = 0 }
    :: atomic { n == TAKES -> break }
    od;
end_here:
    false
  } unless {
    d_step {
      kill?eval(p) ->
      dead[p] = true;
      n = 0; need = 0; mine = 0; other = 0; where = 0; size = 0
    }
  };
end:
  false
}

/* SIGKILL: at any step, of any of the takers, of all or of none. */
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
    first[1] = 0; room[1] = 1; first[2] = 1; room[2] = 6; used = 7;
    do
    :: p <= TAKERS -> run taker(p); p++
    :: else -> break
    od;
    p = 0;
    run killer()
  }
}
