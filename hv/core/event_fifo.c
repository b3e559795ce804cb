/* SPDX-License-Identifier: MIT */
/*
 * The FIFO event ABI: an event word a port, linked into queues by priority and vCPU.
 *
 * The words and the control blocks are the guest's memory: it may write anything there at any
 * moment. We never follow a link or a head that we read from it; where a queue ends we remember
 * ourselves. What a lying guest can reach is to lose its own events.
 */

#include "core/arch.h"
#include "core/event.h"
#include "core/evtchn.h"
#include "lib/log.h"

#define PENDING (1U << EVTCHN_FIFO_PENDING)
#define MASKED (1U << EVTCHN_FIFO_MASKED)
#define LINKED (1U << EVTCHN_FIFO_LINKED)
#define BUSY (1U << EVTCHN_FIFO_BUSY)
#define RAISE_BATCH 256 /* ports between two preemption points */
#define LINK_TRIES 4

event_word_t *evtchn_fifo_word(const struct domain *d, u32 port)
{
	const struct evtchn_fifo *f = d->fifo;
	u32 page = port / WORDS_PER_PAGE;

	if (page >= __atomic_load_n(&f->pages, __ATOMIC_ACQUIRE))
		return NULL;
	return f->array[page] + port % WORDS_PER_PAGE;
}

static u32 word_set(event_word_t *w, u32 bits)
{
	return __atomic_fetch_or(w, bits, __ATOMIC_SEQ_CST);
}

static u32 word_clear(event_word_t *w, u32 bits)
{
	return __atomic_fetch_and(w, ~bits, __ATOMIC_SEQ_CST);
}

/*
 * Make `port` follow the queue's last word. False: that one is in no queue any more, so the queue
 * is empty.
 */
static bool link_behind(event_word_t *tail, u32 port)
{
	event_word_t w = READ_ONCE(*tail);
	int tries;

	for (tries = 0; tries < LINK_TRIES; tries++) {
		event_word_t new = (w & ~(BUSY | EVTCHN_FIFO_LINK_MASK)) | port;

		if (!(w & LINKED))
			break;
		if (__atomic_compare_exchange_n(tail, &w, new, false, __ATOMIC_SEQ_CST,
						__ATOMIC_RELAXED))
			return true;
		/* an honest guest waits with unmasking and unlinking now */
		w = word_set(tail, BUSY) | BUSY;
	}
	if (tries)
		word_clear(tail, BUSY);
	/* tried in vain: the guest keeps writing; its event is lost, as if it had masked it */
	return tries == LINK_TRIES;
}

/* Put an unmasked, pending word into its queue. [fifo->lock] */
static bool enqueue(struct domain *d, struct evtchn *chn, event_word_t *word, struct vcpu *v)
{
	struct vcpu *old = d->vcpu[chn->last_vcpu];
	struct evtchn_fifo_vcpu *q = v->fifo, *oldq = old ? old->fifo : NULL;
	u8 prio = READ_ONCE(chn->priority);
	event_word_t *tail;
	bool linked = false;

	if (word_set(word, LINKED) & LINKED)
		return false;
	/* it was the last of a queue, which is empty then: nothing may be linked behind it there */
	if (oldq && oldq->tail[chn->last_priority] == chn->port)
		oldq->tail[chn->last_priority] = 0;
	chn->last_vcpu = v->id;
	chn->last_priority = prio;
	tail = q->tail[prio] ? evtchn_fifo_word(d, q->tail[prio]) : NULL;
	if (tail)
		linked = link_behind(tail, chn->port);
	if (!linked)
		__atomic_store_n(&q->block->head[prio], chn->port, __ATOMIC_RELEASE);
	q->tail[prio] = chn->port;
	return !linked &&
	       !(__atomic_fetch_or(&q->block->ready, 1U << prio, __ATOMIC_SEQ_CST) & 1U << prio);
}

static void raise(struct domain *d, struct evtchn *chn)
{
	event_word_t *word = evtchn_fifo_word(d, chn->port);
	struct vcpu *v = READ_ONCE(chn->vcpu);
	bool tell;

	if (!word) {
		/*
		 * remember it until expand_array, which adds the page first and looks for these
		 * afterwards
		 */
		__atomic_store_n(&chn->pending, true, __ATOMIC_SEQ_CST);
		word = evtchn_fifo_word(d, chn->port);
		if (!word || !__atomic_exchange_n(&chn->pending, false, __ATOMIC_SEQ_CST))
			return;
	}
	if (word_set(word, PENDING) & (MASKED | LINKED))
		return;
	if (!v->fifo)
		return; /* no queues: the guest gave this vCPU no control block */
	spin_lock(&d->fifo->lock);
	tell = enqueue(d, chn, word, v);
	spin_unlock(&d->fifo->lock);
	if (tell)
		vcpu_mark_events_pending(v);
}

void evtchn_fifo_set_pending(struct domain *d, struct evtchn *chn)
{
	raise(d, chn);
	if (unlikely(evtchn_has_pollers(d)))
		evtchn_wake_pollers(d, chn->port);
}

void evtchn_fifo_unmask(struct domain *d, struct evtchn *chn)
{
	event_word_t *word = evtchn_fifo_word(d, chn->port);

	if (word && word_clear(word, MASKED) & PENDING)
		evtchn_fifo_set_pending(d, chn);
}

/* The word may be in a queue: the guest takes it out when it gets there. */
void evtchn_fifo_clear_pending(struct domain *d, struct evtchn *chn)
{
	event_word_t *word = evtchn_fifo_word(d, chn->port);

	WRITE_ONCE(chn->pending, false);
	if (word)
		word_clear(word, PENDING);
}

/* ---- setting up ---- */

/* A writable reference on a frame of d, for good; its address or NULL. */
static void *map_guest_frame(struct domain *d, u64 mfn)
{
	if (!mfn_valid(mfn) || get_page_and_type(mfn_to_page(mfn), d, PGT_writable))
		return NULL;
	return mfn_to_virt(mfn);
}

/* The first control block switches the domain: its ports take over what is pending in the bits. */
static int enter_fifo(struct domain *d)
{
	u32 port, end = MIN(d->nr_evtchns, MAX_PORTS_2L);
	struct evtchn_fifo *f;

	if (d->fifo)
		return 0;
	f = xzalloc(struct evtchn_fifo);
	if (!f)
		return -ENOMEM;
	for (port = 1; port < end; port++) {
		struct evtchn *chn = evtchn_at(d, port);

		chn->pending = chn->state && evtchn_is_pending(d, chn);
	}
	__atomic_store_n(&d->fifo, f, __ATOMIC_RELEASE);
	return 0;
}

int evtchn_fifo_init_control(struct domain *d, union evtchn_arg *a, struct vcpu *caller)
{
	struct evtchn_init_control *op = &a->init_control;
	struct vcpu *v = domain_vcpu(d, op->vcpu);
	struct evtchn_fifo_vcpu *q;
	void *page;

	if (!v)
		return -ENOENT;
	if (op->offset % 8 || op->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) ||
	    v->fifo)
		return -EINVAL;
	page = map_guest_frame(d, op->control_gfn);
	if (!page)
		return -EINVAL;
	preempt_charge(600); /* every port there is changes its ABI */
	q = xzalloc(struct evtchn_fifo_vcpu);
	if (!q || enter_fifo(d)) {
		xfree(q);
		put_page_and_type(mfn_to_page(op->control_gfn));
		return -ENOMEM;
	}
	q->mfn = op->control_gfn;
	q->block = page + op->offset;
	__atomic_store_n(&v->fifo, q, __ATOMIC_RELEASE);
	op->link_bits = EVTCHN_FIFO_LINK_BITS;
	return 0;
}

/* Raise what was pending while it had no word. 0 or -ERESTART. [E] */
static int raise_remembered(struct domain *d, struct evtchn_fifo *f)
{
	u32 end = f->pages * WORDS_PER_PAGE;

	while (f->raised < MIN(end, d->nr_evtchns)) {
		struct evtchn *chn = evtchn_from_port(d, f->raised++);

		if (READ_ONCE(chn->pending) &&
		    __atomic_exchange_n(&chn->pending, false, __ATOMIC_SEQ_CST))
			raise(d, chn);
		if (f->raised < end && !(f->raised % RAISE_BATCH) && preempt_needed())
			return -ERESTART;
	}
	f->raised = end;
	evtchn_wake_pollers(d, EVTCHN_ANY);
	return 0;
}

int evtchn_fifo_expand_array(struct domain *d, union evtchn_arg *a, struct vcpu *caller)
{
	struct evtchn_fifo *f = d->fifo;
	void *page;

	if (!f)
		return -EOPNOTSUPP;
	if (f->raised < f->pages * WORDS_PER_PAGE) { /* a call that gave way, this one or another */
		if (raise_remembered(d, f))
			return -ERESTART;
		if (virt_to_mfn(f->array[f->pages - 1]) == a->expand_array.array_gfn)
			return 0;
	}
	if (f->pages == ARRAY_SIZE(f->array))
		return -ENOSPC;
	page = map_guest_frame(d, a->expand_array.array_gfn);
	if (!page)
		return -EINVAL;
	f->array[f->pages] = page;
	__atomic_store_n(&f->pages, f->pages + 1, __ATOMIC_SEQ_CST);
	return raise_remembered(d, f);
}

void evtchn_fifo_destroy(struct domain *d)
{
	struct evtchn_fifo *f = d->fifo;
	struct vcpu *v;
	u32 i;

	if (!f)
		return;
	for_each_vcpu(d, v, i)
		if (v->fifo) {
			put_page_and_type(mfn_to_page(v->fifo->mfn));
			xfree(v->fifo);
			v->fifo = NULL;
		}
	d->fifo = NULL;
	for (i = 0; i < f->pages; i++)
		put_page_and_type(mfn_to_page(virt_to_mfn(f->array[i])));
	xfree(f);
}
