/* holders.pml -- when the cells of a removed series may become another one's, under SIGKILL at any
 * step: what one process alone has held, of what others can't have a handle to.
 *
 * Checks the rule for removed records that are used again:
 *   Nobody stores   once a record is taken, no process stores to its cells through a handle of a
 *                   former life
 *   One taker       from the take until it is live again, the record is the taker's alone
 *   All is zeroed   whoever fills it finds no count of a former life, in any slot
 *
 *   labels    with a slot: the holder's word; the state again; the handle.  The process's youngest
 *             `born` grows with and without a slot: its children inherit what it holds
 *   remove    live -> removed -> resting(++clock)
 *   claim     lock; raise first_slots_used; since; c = clock; look; acked = c, in the slot's head
 *             too; only then the slot is the process's
 *   no slot   the shared lock, or header.unowned; look; slot 0
 *   late      the shared lock; this handle's state; the store to slot 0; unlock
 *   take      resting(r): unowned, the shared lock, own acked, the holder; of each slot whose since
 *             is not below born, that its owner has looked after r, or is gone
 *   zero      slot 0, the holder's slot, those whose since is not below born: by what stood there
 *             before the take, and before born and holder are set anew. The taker's own slot is
 *             among these, if it has a count
 *
 * Exporters register, remove and take; a worker is one that inherits from an exporter or joins
 * by itself, and only looks up and counts. A second exporter brings back what the first has taken
 * when it was killed. With REVIVE the record is a gauge's, and is made again at once in between,
 * by an exporter and without asking anybody; it keeps `born`, and its holder is what labels() makes
 * of it, since handles of its former life are still about.
 *
 * Left out: threads (acks.pml has them, so that a process here acknowledges what it has looked
 * at), lanes (all are zeroed), how locks tell generations (slots.pml), the commit (chain.pml) and
 * dating by others (stamp.pml). The record has one cell, and one life before it is taken, two with
 * REVIVE.
 *
 * A killed process is gone in the same step, which takes a rendezvous with the killer: so spin
 * must not reduce by partial order (-DNOREDUCE). Each BREAK_* takes away or moves one line;
 * tests/model/check shows that each is missed. */

#ifndef EXPORTERS
#define EXPORTERS 1
#endif
#ifndef WORKERS
#define WORKERS 1
#endif
#define PROCESSES (EXPORTERS + WORKERS)
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef UPDATES
#define UPDATES 3 /* what a worker does: lookups and updates */
#endif
#define NOBODY 0
#define MANY 255

/* ---- the kernel ---- */
byte locked_by[SLOTS + 1];
bool shared[PROCESSES + 1];

/* ---- the segment ---- */
byte generation[SLOTS + 1]; /* in the lock's length too */
byte slots_used, since[SLOTS + 1], ack[SLOTS + 1], clock = 1;
bool unowned;
byte state, born, holder; /* of the record */
bool renamed;             /* filled for another series */
#define LIVE 1
#define REVIVED 2 /* live again: the same gauge */
#define AGAIN 3   /* live again: another series */
#define REMOVED(version) (4 + (version))
#define RESTING(r) (32 + (r))
#define TAKEN(owner) (64 + (owner))
#define is_live(word) (word == LIVE || word == REVIVED)
#define is_resting(word) (word >= 32 && word < 64)
#define is_taken(word) (word >= 64)

/* ---- the memory of each process, which its children inherit ---- */
byte handle[PROCESSES + 1]; /* 0: nowhere; else the word that it remembers */
byte youngest[PROCESSES + 1];
byte looked[PROCESSES + 1];

/* ---- what only the killer and the checks see ---- */
chan kill = [0] of { byte };
bool counted[SLOTS + 1]; /* a former life's counts */
bool taken;              /* for another series */
#ifdef REVIVE
bool revived;            /* once */
#endif

#define owner_word(s) ((s) * 8 + generation[s])
#define certainly_dead(w) (locked_by[(w) / 8] == NOBODY || generation[(w) / 8] != (w) % 8)

#ifdef BREAK_REMEMBERED
#define stale(h) (!is_live(state) && state != AGAIN)
#else
#define stale(h) (state != h)
#endif
inline look() {
  if
  :: handle[p] != 0 && stale(handle[p]) -> handle[p] = 0
  :: else
  fi
}

inline store() { /* a single step, to the slot of the process, or slot 0 */
  if
  :: handle[p] != 0 ->
     assert(!taken); /* Nobody stores */
     counted[slot] = true
  :: else
  fi
}

inline raise_used() {
  if
  :: slots_used < slot -> slots_used = slot
  :: else
  fi
}
inline raise_since() {
  if
  :: since[slot] < youngest[p] -> since[slot] = youngest[p]
  :: else
  fi
}

/* The first update that gets the mutex. */
inline claim() {
  if
  :: atomic { locked_by[1] == NOBODY -> locked_by[1] = p; generation[1]++; slot = 1 }
#if SLOTS > 1
  :: atomic {
       locked_by[1] != NOBODY && locked_by[2] == NOBODY ->
       locked_by[2] = p; generation[2]++; slot = 2
     }
#endif
  :: atomic { else }
  fi;
  if
  :: atomic { slot != 0 };
#ifndef BREAK_SLOTS_USED
     atomic { raise_used() };
#endif
#if !defined(BREAK_SINCE) && !defined(BREAK_SINCE_AFTER_LOOK)
     atomic { raise_since() };
#endif
#ifdef BREAK_LOOK_BEFORE_CLOCK
     atomic { look() };
     atomic { acked = clock; looked[p] = acked };
#else
     atomic { acked = clock };
     if
#ifdef BREAK_CLAIM_LOOK
     :: true
#else
     :: atomic { acked != looked[p] -> look(); looked[p] = acked }
     :: atomic { acked == looked[p] } /* the look is skipped */
#endif
     fi;
#endif
#ifdef BREAK_SINCE_AFTER_LOOK
     atomic { raise_since() };
#endif
#ifdef BREAK_SLOTS_USED
     atomic { raise_used() };
#endif
#ifndef BREAK_LATE_DATE
     atomic { ack[slot] = acked };
#else
     atomic { ack[slot] = clock };
#endif
     skip
  :: atomic { slot == 0 };
#ifndef BREAK_SHARED
     if
     :: shared[p] = true
#ifndef BREAK_UNOWNED
     :: unowned = true
#else
     :: true
#endif
     fi;
#endif
#ifndef BREAK_SHARED_LOOK
     atomic { look() }
#endif
  fi;
  claimed = true
}

inline raise_youngest() {
  if
  :: youngest[p] < born -> youngest[p] = born
  :: else
  fi
}
#define mine_or_former(h) (h == 0 || h / 8 == slot)

/* What a process with a slot makes of the holder's word, for a handle. */
inline enter_holder() {
  do
  :: atomic { h = holder };
#ifndef BREAK_MANY
     if
     :: atomic { h == MANY || h == owner_word(slot) } -> break
     :: atomic { else };
        if
        :: atomic { holder == h -> holder = (mine_or_former(h) -> owner_word(slot) : MANY) };
           break
        :: atomic { holder != h }
        fi
     fi
#else
     holder = owner_word(slot);
     break
#endif
  od
}

#define found handle[p] == 0 && is_live(state) -> word = state
inline labels() {
  if
  :: atomic { slot != 0 };
#if !defined(BREAK_HOLDER) && !defined(BREAK_HOLDER_AFTER)
     enter_holder();
#endif
#ifndef BREAK_YOUNGEST
     atomic { raise_youngest() };
#endif
#ifndef BREAK_LOOK_AGAIN
     if
     :: atomic { state == word -> handle[p] = word }
     :: atomic { else }
     fi;
#else
     handle[p] = word;
#endif
#ifdef BREAK_HOLDER_AFTER
     enter_holder();
#endif
     skip
  :: atomic { slot == 0 };
#ifndef BREAK_YOUNGEST_UNOWNED
     atomic { raise_youngest() };
#endif
     handle[p] = word
  fi;
  atomic { word = 0; h = 0 }
}

inline remove() {
#ifdef BREAK_STATE_FIRST
  d_step { clock++; r = clock };
#endif
  if
  :: d_step { state == word -> state = REMOVED(word); word = REMOVED(word) };
#ifndef BREAK_STATE_FIRST
     d_step { clock++; r = clock };
#endif
     d_step { state = RESTING(r); word = 0; r = 0 }
  :: d_step { else -> word = 0; r = 0 }
  fi
}

#define assert_own assert(state == TAKEN(owner_word(slot)))
inline zero(s) {
  assert_own;
  counted[s] = false
}

inline fill() {
  atomic { assert_own; born = clock + 1 };
  atomic { holder = owner_word(slot) };
  atomic { renamed = true }
}

/* Takes the record if it may, and makes it another series'. */
inline take() {
  atomic { acked = clock }; /* a locked set-up call */
  if
#ifndef BREAK_LOOK
  :: atomic { acked != looked[p] -> look(); looked[p] = acked }
#endif
  :: atomic { else }
  fi;
  atomic { word = state };
  if
#ifndef BREAK_DEAD_ONLY
  :: atomic { is_taken(word) && certainly_dead(word - 64) };
#else
  :: atomic { is_taken(word) };
#endif
     d_step { clock++; r = clock };
     if
     :: atomic { state == word -> state = RESTING(r); n--; goto no } /* anew */
     :: atomic { else -> goto no }
     fi
  :: atomic { is_resting(word) }
  :: atomic { else -> goto no }
  fi;
#ifndef BREAK_ACK
  if
  :: atomic { acked < word - 32 -> goto no }
  :: atomic { else }
  fi;
#endif
#ifndef BREAK_ASK_UNOWNED
  if
  :: atomic { unowned -> goto no }
  :: atomic { else }
  fi;
#endif
#ifndef BREAK_ASK_SHARED
  d_step { /* one question */
    r = 0; s = 1;
    do
    :: s <= PROCESSES -> r = r + shared[s]; s++
    :: else -> break
    od;
    s = 0
  };
  if
  :: atomic { r != 0 -> goto no }
  :: atomic { else }
  fi;
#endif
  d_step { h = holder; b = born; r = 0 };
#ifndef BREAK_ASK_HOLDER
  if
  :: atomic { h == MANY -> goto no }
  :: atomic { h != MANY && !mine_or_former(h) && !certainly_dead(h) -> goto no }
  :: atomic { else }
  fi;
#endif
#ifndef BREAK_ASK_SINCE
  d_step { u = slots_used; s = 1 };
  do
  :: atomic { s > u -> s = 0; break }
  :: atomic { s <= u && (since[s] < b || s == slot) -> s++ }
  :: atomic { s <= u && since[s] >= b && s != slot };
     if
     :: atomic { ack[s] >= word - 32 -> s++ }
     :: atomic { ack[s] < word - 32 && locked_by[s] == NOBODY -> s++ }
     :: atomic { else -> goto no }
     fi
  od;
#endif
  atomic { u = 0; s = 0 };
  if
  :: d_step { state == word -> state = TAKEN(owner_word(slot)); taken = true; word = 0 }
  :: atomic { else -> goto no }
  fi;
#ifdef BREAK_ZERO_FIRST
  fill();
#endif
#ifdef BREAK_HOLDER_ANEW
  atomic { h = holder };
#endif
#ifndef BREAK_ZERO_SHARED
  atomic { zero(0) };
#endif
#ifndef BREAK_ZERO_HOLDER
  if
  :: atomic { h != 0 && h != MANY -> zero(h / 8) }
  :: atomic { else }
  fi;
#endif
#ifndef BREAK_ZERO_SINCE
  d_step { u = slots_used; s = 1 };
  do
  :: atomic { s > u -> break }
  :: atomic { s <= u -> if :: since[s] >= b -> zero(s) :: else fi; s++ }
  od;
#endif
#ifndef BREAK_ZERO_FIRST
  fill();
#endif
  atomic {
    s = 0;
    do
    :: s <= SLOTS -> assert(!counted[s]); s++ /* All is zeroed */
    :: else -> break
    od;
    assert_own;
    state = AGAIN
  };
no:
  atomic { word = 0; h = 0; b = 0; r = 0; u = 0; s = 0 }
}

#ifdef REVIVE
/* The same gauge, without asking anybody. */
inline revive() {
  d_step { word = state };
  if
  :: d_step {
       is_resting(word) && state == word && !renamed ->
       state = TAKEN(owner_word(slot));
       revived = true;
       taken = false
     };
#ifdef BREAK_REVIVE_BORN
     atomic { born = clock + 1 };
#endif
#ifdef BREAK_REVIVE_HOLDER
     atomic { holder = owner_word(slot) };
#else
     enter_holder();
#endif
     atomic { state = REVIVED }
  :: d_step { else }
  fi;
  atomic { word = 0; h = 0 }
}
#endif

inline clear_process() {
  if
  :: slot != 0 && locked_by[slot] == p -> locked_by[slot] = NOBODY
  :: else
  fi;
  shared[p] = false;
  handle[p] = 0; youngest[p] = 0; looked[p] = 0;
  slot = 0; word = 0; h = 0; acked = 0; n = 0; r = 0; b = 0; u = 0; s = 0; claimed = false
}

proctype exporter(byte p) {
  byte slot, word, h, acked, n, r, b, u, s;
  bool claimed;
  {
    if
    :: atomic { p == 1 && found }; labels() /* before its first update */
    :: true
    fi;
    claim();
    if
    :: atomic { slot == 0 -> goto end_out }
    :: atomic { else }
    fi;
    if
    :: atomic { p == 1 && found }; labels()
    :: true
    fi;
    if
    :: atomic { handle[p] != 0 -> store() }
    :: true
    fi;
    do
    :: atomic { p == 1 && is_live(state) -> word = state }; remove()
    :: atomic { n == 0 -> n++ }; take()
#ifdef REVIVE
    :: atomic { n == 0 && !revived && is_resting(state) }; revive()
    :: atomic { n == 0 && found }; labels()
#endif
    :: atomic { n != 0 -> store(); break }
    od;
end_out:
    false
  } unless {
    d_step { kill?eval(p) -> clear_process() }
  };
end:
  false
}

proctype worker(byte p) {
  byte slot, word, h, acked, n, r, b, u, s;
  bool claimed;
  {
    skip;
end_unborn:
    if /* an exporter's child, at any moment; or a process by itself */
    :: atomic {
         handle[1] != 0 ->
         handle[p] = handle[1]; youngest[p] = youngest[1]; looked[p] = looked[1]
       }
#ifndef INHERITS
    :: true
#endif
    fi;
    do
    :: atomic { n < UPDATES && found; n++ }; labels()
    :: atomic { n < UPDATES && !claimed -> n++ }; claim(); atomic { store() }
    :: atomic { n < UPDATES && handle[p] != 0 && claimed -> n++; store() }
    :: atomic { n < UPDATES && is_live(state) -> n++; word = state }; remove()
    :: atomic { n < UPDATES && handle[p] != 0 && !claimed -> n++ }; /* late */
#ifndef BREAK_LATE_LOCK
          shared[p] = true;
#endif
          if
#ifndef BREAK_LATE_LOOK
          :: atomic { stale(handle[p]) }
          :: atomic { !stale(handle[p]) };
#else
          ::
#endif
             atomic { store() }
          fi;
          shared[p] = false
    :: break
    od;
end_out:
    false
  } unless {
    d_step { kill?eval(p) -> clear_process() }
  };
end:
  false
}

/* SIGKILL: at any step, of any of the processes, of all or of none. */
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
  d_step {
    born = clock + 1;
    state = LIVE
  };
  atomic {
    do
    :: p <= EXPORTERS -> run exporter(p); p++
    :: else -> break
    od;
    do
    :: p <= PROCESSES -> run worker(p); p++
    :: else -> break
    od;
    p = 0;
    run killer()
  }
}
