/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container, its init, what runs in it, the kernel side's counts, and the agent: the protocol of
 * join, leave, adopt, lose, re-read and verify. Checked by spin for two properties:
 *
 *   1. No signal to init while a task lives, as of the agent's last look (see signal_init).
 *   2. A last exit is followed by the end of init, or by another task (`last_exit_counts`).
 *   3. No first signal to init in a life in which no task has ended, as of that look (see signal_init).
 *
 * Each part names the code it stands for. What it leaves out: names and roles by name, several
 * containers, paused ones, the cgroup's coming and going, threads. Time: a timer that is armed fires
 * at any moment from now on.
 *
 * Mutants, which must fail: MUTANT_NO_VERIFY, MUTANT_NO_LAST_COUNT, MUTANT_NO_REREAD.
 */

/* Process numbers, used again and again: two for tasks, or one of them for an injected process. */
#define SLOTS 2
#define INIT  SLOTS /* as a parent */
#ifdef WITH_INJECTED
#define IS_INJECTED(p) (p == 1)
#else
#define IS_INJECTED(p) false
#endif

#ifndef MISSED_RUNS
#define MISSED_RUNS 1 /* so many runs of hooks the kernel may leave out */
#endif

/* --- the kernel's truth --- */

mtype:life = { FREE, BORN, RUNS, DEAD };
/* BORN: listed, cannot run yet. DEAD: live == 0, listed perhaps, its exit hook has not run yet. */
mtype:life life[SLOTS] = FREE;
bool is_forking[SLOTS]; /* in fork(): it cannot exit meanwhile */
bool is_held[SLOTS];	/* the iterator has a reference: the number is not used again */
bool is_init_alive = true;
bool is_term_sent, is_kill_sent;
bool has_ended;	    /* a task has, since init became the program that it is */
bool has_executed;  /* init is another program by now, and no hook has seen it */

#define LIVES(p) (life[p] == BORN || life[p] == RUNS)

/* --- the kernel side: include/abi.h, bpf/maps.h --- */

bool member[SLOTS];	   /* `processes` */
byte tasks, injected;	   /* abi_counts */
bool has_task_exits;	   /* abi_container.task_exits != 0 */
byte life_number;	   /* abi_container.life */
bool is_init_execing;	   /* abi_container.is_init_execing */
bool is_adopting;	   /* abi_adopt.is_active */
bool has_lost = true;	   /* bpf_source_lost() has moved: a record, or a run of a hook */
byte missed = MISSED_RUNS; /* what may still be left out */

mtype:record = { LAST, EMPTIED, TASK, IDLE, EXEC };
/* EXIT_LAST; EXIT_EMPTY alone; CHANGE_TASK; CHANGE_IDLE; CHANGE_INIT. */
#ifndef RING_SIZE
#define RING_SIZE 1
#endif
chan ring = [RING_SIZE] of { mtype:record };
bool is_woken; /* the reader's epoll */

/*
 * bpf/emit.h: a full buffer loses the record, and counts it; the first task wakes nobody. This and
 * all up to process_join is called within one atomic step.
 */
inline emit(kind)
{
	if
	:: len(ring) == RING_SIZE -> has_lost = true
	:: else ->
		ring ! kind;
		if
		:: kind != TASK || has_task_exits || len(ring) == RING_SIZE -> is_woken = true
		:: else
		fi
	fi
}

/* bpf/members.h count_join, count_drop */
inline count_join(p)
{
	if
	:: IS_INJECTED(p) -> injected++
	:: else ->
		tasks++;
		if
		:: tasks == 1 -> emit(TASK)
		:: else
		fi
	fi
}

inline count_drop(p)
{
	if
	:: IS_INJECTED(p) -> injected--
	:: else -> tasks--
	fi;
	if
	:: tasks == 0 -> emit(IDLE)
	:: else
	fi
}

/*
 * bpf/members.h process_join, in two steps: counted first, then put into `processes`, so that no exit
 * can come between and find a member that was not counted.
 */
inline process_join(p)
{
	atomic { count_join(p) };
	atomic {
		if
		:: !member[p] -> member[p] = true
		:: else -> count_drop(p) /* EEXIST */
		fi
	}
}

/* bpf/adopt.h process_adopt: what it adds may have exited since it was looked at. */
inline process_adopt(p)
{
	if
	:: !member[p] -> process_join(p)
	:: else
	fi;
	atomic {
		if
		:: !LIVES(p) && member[p] -> member[p] = false; count_drop(p) /* process_leave */
		:: else
		fi
	}
}

/* --- the agent's looks, for property 1 --- */

bool is_known[SLOTS];	 /* lived when the list was read, or ran when the counts were */
bool is_looking;	 /* between the two */
bool is_left_out[SLOTS]; /* was forked meanwhile, and no hook counted it */

/* --- what runs in the container --- */

/* bpf/fork.bpf.c: in the parent's context, when the child is listed, and before it can run. */
inline fork_hook(p, parent)
{
	if
	:: parent != INIT && !member[parent] && is_adopting -> process_adopt(parent) /* parent_of_fork */
	:: else
	fi;
	if
	:: (parent == INIT || member[parent]) && !member[p] -> process_join(p)
	:: else /* nobody's child, or the iterator was quicker */
	fi
}

/* From 7.0 on the kernel leaves out a run of a BTF hook now and then, and counts that. */
inline leave_out()
{
	atomic { missed > 0 -> missed--; has_lost = true }
}

/*
 * bpf/exit.bpf.c leave, emit_exit: out of `processes` once. DEAD before, so that an iterator that
 * looked earlier comes in between. The hook is one step here: in the kernel another may join or leave
 * between its decrement and its read, and then one record more or less is written; whoever leaves last
 * writes one in any case, and the agent reads the counts, not the record.
 */
inline exit(p)
{
	atomic {
		is_init_alive && !is_forking[p] -> life[p] = DEAD;
		is_known[p] = false;
		is_left_out[p] = false
	};
	atomic {
		if
		:: !member[p]
		:: member[p] && IS_INJECTED(p) ->
			member[p] = false;
			injected--;
			if
			:: tasks == 0 && injected == 0 -> emit(EMPTIED)
			:: else
			fi
		:: member[p] && !IS_INJECTED(p) ->
			member[p] = false;
			tasks--;
			has_task_exits = true;
			has_ended = true;
			if
			:: tasks == 0 -> emit(LAST)
			:: else
			fi
		fi;
		life[p] = FREE
	}
}

inline fork_returns(p)
{
	life[p] = RUNS;
	is_left_out[p] = is_looking && !member[p]
}

proctype task(byte p)
{
	byte parent = INIT;

	if
	:: life[p] == RUNS -> exit(p) /* there before the agent */
	:: else
	fi;
	do
	:: atomic {
		is_init_alive && life[p] == FREE && !is_held[p];
		if
		:: parent = INIT
		:: !IS_INJECTED(1 - p) && life[1 - p] == RUNS && !is_forking[1 - p] ->
			parent = 1 - p; is_forking[parent] = true
		fi;
		life[p] = BORN
	   };
	   if
	   :: fork_hook(p, parent)
	   :: leave_out()
	   fi;
	   atomic {
		fork_returns(p);
		if
		:: parent != INIT -> is_forking[parent] = false
		:: else
		fi;
		parent = INIT
	   };
	   exit(p)
	:: break /* never again: fairness would make it come for ever */
	od
}

#ifdef WITH_INJECTED
/* docker exec: bpf/attach.bpf.c, or CLONE_INTO_CGROUP in bpf/fork.bpf.c. */
proctype injection(byte p)
{

	do
	:: atomic { is_init_alive && life[p] == FREE && !is_held[p] -> life[p] = BORN };
	   if
	   :: !member[p] -> process_join(p)
	   :: member[p] -> skip
	   :: leave_out()
	   fi;
	   atomic { fork_returns(p) };
	   exit(p)
	:: break /* never again: fairness would make it come for ever */
	od
}
#endif

/* bpf/program.h life_begin */
inline life_begin()
{
	has_task_exits = false;
	life_number++;
	is_init_execing = false
}

#ifdef WITH_EXEC
/* bpf/rename.bpf.c, then bpf/exec.bpf.c; a run of the latter may be left out, its record may be lost. */
proctype exec_of_init()
{
	if
	:: atomic { is_init_alive -> is_init_execing = true };
	   if
	   :: atomic { is_init_alive -> has_ended = false; life_begin(); emit(EXEC) }
	   :: atomic { is_init_alive && missed > 0 ->
		missed--; has_lost = true; has_ended = false; has_executed = true }
	   :: !is_init_alive
	   fi
	:: !is_init_alive
	:: true /* never */
	fi
}
#endif

/* Asked to end, init does or does not; killed, it does. */
proctype init_of_container()
{
	do
	:: atomic { is_term_sent -> is_term_sent = false; is_init_alive = false }; break
	:: atomic { is_term_sent -> is_term_sent = false }
	:: atomic { is_kill_sent -> is_init_alive = false }; break
	od
}

/* --- the agent --- */

mtype:state = { STARTING, WORKING, SETTLING, STOPPING, KILLING, GONE };
mtype:event = { E_TASK, E_LAST_EXIT, E_IDLE, E_UNTASKED, E_EMPTY, E_BUSY, E_EXEC, E_INIT_EXIT };
mtype:state state = STARTING;
bool is_timer;	    /* follower.timer, armed */
bool is_loss_timer = true; /* watch.loss_timer, armed */
byte seen_tasks, seen_injected; /* container.counts, as last refreshed */
bool has_seen_exits;
byte seen_life, noted_life; /* container.life; follower.life_number */
bool has_seen_exec;	    /* container.is_init_execing */
bool was_over;		    /* a task had ended in this life when the counts were last read */

#define HOLDERS (seen_tasks + seen_injected) /* follower.c holders, with `injected: hold` */

/* watch.c watch_refresh. What follows it within one atomic step uses nothing but what it read. */
inline refresh()
{
	seen_tasks = tasks;
	seen_injected = injected;
	has_seen_exits = has_task_exits;
	seen_life = life_number;
	has_seen_exec = is_init_execing;
	was_over = has_ended
}

/* So that what is no longer used does not tell states apart. */
inline forget()
{
	seen_tasks = 0;
	seen_injected = 0;
	has_seen_exits = false;
	seen_life = 0;
	has_seen_exec = false;
	was_over = false
}

/*
 * Property 1: whoever lived when cgroup.procs was read is dead, and so is whoever ran when the counts
 * were read after that, if a hook had counted it. That is all that can be had: init may fork one more
 * between the last look and the signal; and who is forked after the list was read, by a fork whose
 * hook was left out, is seen by neither look.
 */
inline signal_init(which, is_first)
{
	/* Property 3. What an init that was asked to end executes on its way is its own affair. */
	assert(!(is_first) || was_over);
	assert(!(is_known[0] && LIVES(0)) && !(is_known[1] && LIVES(1)));
	which = true
}

/* core/lifecycle.c: the table. A cell that is not here keeps the state and the timer. */
inline step(event)
{
	if
	:: state == GONE
	:: event == E_INIT_EXIT && state != GONE -> state = GONE; is_timer = false
	:: event == E_TASK && (state == STARTING || state == WORKING || state == SETTLING) ->
		state = WORKING; is_timer = false
	:: event == E_LAST_EXIT && (state == STARTING || state == WORKING || state == SETTLING) ->
		state = SETTLING; is_timer = true
	:: event == E_IDLE && (state == WORKING || state == SETTLING) ->
		state = SETTLING; is_timer = true
	:: event == E_UNTASKED && (state == WORKING || state == SETTLING) ->
		state = STARTING; is_timer = false
	:: event == E_EXEC && (state == WORKING || state == SETTLING) ->
		state = STARTING; is_timer = false
	:: event == E_EMPTY && state == WORKING -> state = SETTLING; is_timer = true
	:: event == E_EMPTY && state == SETTLING ->
		state = STOPPING; is_timer = true; signal_init(is_term_sent, true)
	:: event == E_EMPTY && state == STOPPING ->
		state = KILLING; is_timer = true; signal_init(is_kill_sent, false)
	:: event == E_EMPTY && state == KILLING -> is_timer = false /* reported as stuck */
	:: event == E_BUSY && (state == WORKING || state == SETTLING || state == STOPPING) ->
		state = WORKING; is_timer = true
	:: else
	fi
}

/* follower.c look_at_counts */
inline look_at_counts(if_none)
{
	if
	:: HOLDERS && seen_tasks -> step(E_TASK)
	:: HOLDERS && !seen_tasks
	:: !HOLDERS && has_seen_exits -> step(if_none)
	:: !HOLDERS && !has_seen_exits -> step(E_UNTASKED)
	fi
}

/* follower.c notice_exec */
inline notice_exec()
{
#ifndef MUTANT_NO_EXEC
	if
	:: seen_life != noted_life ->
		noted_life = seen_life;
		step(E_EXEC);
		if
		:: seen_tasks -> step(E_TASK)
		:: else
		fi
	:: else
	fi
#else
	skip
#endif
}

/* kernel/bpf.c bpf_source_adopt, bpf/adopt.bpf.c: the task iterator, one process after the other. */
inline adopt()
{
	is_adopting = true;
	atomic {
		if
		:: has_executed -> has_executed = false; life_begin() /* bpf/adopt.h program_meet */
		:: else
		fi
	};
	p = 0;
	do
	:: p < SLOTS ->
		if
		:: atomic { LIVES(p) -> is_held[p] = true } ->
			process_adopt(p);
			is_held[p] = false
		:: else
		fi;
		p++
	:: else -> break
	od;
	p = 0;
	is_adopting = false
}

/* safety_checks.c guard_find_holder: the list, then each of it who is not dying, known or not. */
inline find_holder()
{
	atomic {
		list[0] = LIVES(0);
		list[1] = LIVES(1);
		is_known[0] = list[0];
		is_known[1] = list[1];
		is_looking = true
	};
#ifndef MUTANT_NO_VERIFY
	has_holder = list[0] && LIVES(0);
	atomic {
		has_holder = has_holder || (list[1] && LIVES(1));
		list[0] = false;
		list[1] = false
	}
#endif
}

#define know_running(p) is_known[p] = is_known[p] || (life[p] == RUNS && !is_left_out[p])

/* follower_end.c check_program */
#ifdef MUTANT_NO_EXEC
#define IS_OTHER_PROGRAM false
#else
#define IS_OTHER_PROGRAM \
	(state != STOPPING && (seen_life != noted_life || has_seen_exec))
#endif

/* follower.c look_again */
inline look_again()
{
	find_holder();
	atomic {
#ifndef MUTANT_NO_LAST_COUNT
		refresh();
#endif
		know_running(0);
		know_running(1)
	};
	if
	:: atomic { (has_holder && !HOLDERS) || has_seen_exec } -> adopt() /* watch_recount */
	:: else
	fi;
	atomic {
		if
		:: !is_init_alive /* -ESRCH: the pidfd tells */
		:: is_init_alive && !has_holder && !HOLDERS && IS_OTHER_PROGRAM ->
			is_timer = true /* E_PAUSED */
		:: is_init_alive && (has_holder || HOLDERS) -> step(E_BUSY)
		:: is_init_alive && !has_holder && !HOLDERS && !IS_OTHER_PROGRAM -> step(E_EMPTY)
		fi;
		has_holder = false;
		is_looking = false;
		is_known[0] = false;
		is_known[1] = false;
		is_left_out[0] = false;
		is_left_out[1] = false;
		forget()
	}
}

/* follower.c on_timer */
inline on_timer()
{
	atomic {
		is_timer = false;
		refresh();
		notice_exec();
		if
		:: state == KILLING -> step(E_EMPTY)
		:: state != KILLING && state != STOPPING && !HOLDERS && !has_seen_exits ->
			step(E_UNTASKED) /* follower.c is_unworked */
		:: state != KILLING && !HOLDERS && (has_seen_exits || state == STOPPING) ->
			is_due = true
		:: state != KILLING && HOLDERS ->
			if
			:: state != WORKING -> step(E_BUSY)
			:: else
			fi;
			is_timer = false /* they tell of their end themselves */
		fi
	};
	if
	:: atomic { is_due -> is_due = false } -> look_again()
	:: else -> atomic { forget() }
	fi
}

/* watch.c take_exit, take_change; follower.c follower_exit, follower_change */
inline take_record()
{
	ring ? record;
	refresh();
	notice_exec();
	if
	:: record == EXEC
#ifdef MUTANT_OLD_RECORD
	:: record == TASK -> step(E_TASK)
#else
	:: record == TASK && seen_tasks -> step(E_TASK)
	:: record == TASK && !seen_tasks /* older than a re-read that has seen its end, perhaps */
#endif
	:: record == IDLE -> look_at_counts(E_IDLE)
	:: record == EMPTIED && state == SETTLING
	:: record == LAST || (record == EMPTIED && state != SETTLING) ->
		if
		:: !HOLDERS && has_seen_exits -> step(E_LAST_EXIT)
		:: else
		fi
	fi;
	record = LAST;
	forget()
}

/* watch.c watch_drain */
inline drain()
{
	is_woken = false;
	do
	:: atomic { nempty(ring) -> take_record() }
	:: empty(ring) -> break
	od;
	is_loss_timer = true
}

/* watch.c on_loss_timer; follower.c on_reread */
inline on_loss_timer()
{
	is_loss_timer = false;
#ifndef MUTANT_NO_REREAD
	if
	:: atomic { has_lost -> has_lost = false } ->
		adopt();
		atomic {
			refresh();
			notice_exec();
			if
			:: !is_init_alive -> step(E_INIT_EXIT)
			:: is_init_alive && (state != SETTLING || HOLDERS) -> look_at_counts(E_LAST_EXIT)
			:: else
			fi;
			forget()
		}
	:: else
	fi
#endif
}

proctype agent()
{
	mtype:record record = LAST;
	bool has_holder, is_due, list[SLOTS];
	byte p;

	/* watch.c watch_start, follower.c on_found: the same as a re-read, from nothing. */
	do
	:: is_woken -> drain()
	:: is_loss_timer -> on_loss_timer()
	:: is_timer -> on_timer()
	:: atomic { !is_init_alive && state != GONE -> step(E_INIT_EXIT) } /* the record, or the pidfd */
	od
}

init {
	atomic {
		if
		:: life[0] = RUNS /* a task that is older than the agent */
		:: skip
		fi;
		run task(0);
#if defined(WITH_INJECTED)
		run injection(1);
#elif !defined(ONE_TASK)
		run task(1);
#endif
		run init_of_container();
#ifdef WITH_EXEC
		run exec_of_init();
#endif
		run agent()
	}
}

/*
 * Property 2. A task has exited whom the kernel side knew (without that, nobody can tell a container
 * that is done from one that has not begun), and nobody is left: that lasts for ever only if the
 * container does, which it must not.
 */
#define IS_OWED (is_init_alive && has_task_exits && life[0] == FREE && life[1] == FREE)

ltl last_exit_counts { [] (IS_OWED -> <> !IS_OWED) }
