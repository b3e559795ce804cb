/* SPDX-License-Identifier: MIT */
/*
 * Small objects of the hypervisor: size classes in pages of their own, a header at the start of
 * each page. What does not fit a class is whole pages, whose order is kept in page_info.u.order; an
 * object in a slab is never page aligned, so the address alone tells one from the other.
 */
#include "lib/list.h"
#include "lib/string.h"
#include "mm/internal.h"

struct slab {
	struct list_head list; /* [class lock] in class.partial unless full */
	void *free;            /* [class lock] objects, linked by their first word */
	u32 used;              /* [class lock] */
	u32 cls;               /* [I] */
};

static const u16 sizes[] = { 16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1008, 1344, 2016 };
#define NR_CLASSES ARRAY_SIZE(sizes)
#define SLAB_FIRST 64 /* of the classes that are whole lines, objects begin at one */
_Static_assert(sizeof(struct slab) <= SLAB_FIRST, "room for the header");
_Static_assert(SLAB_FIRST + 2 * 2016 <= PAGE_SIZE, "two of the largest class fit a page");

static struct size_class {
	spinlock_t lock;
	struct list_head partial; /* [lock] slabs with room; next NULL = not set up yet */
} classes[NR_CLASSES];

static struct slab *slab_create(unsigned cls)
{
	struct slab *s = alloc_page_zeroed();
	size_t size = sizes[cls];

	if (!s)
		return NULL;
	s->cls = cls;
	for (size_t at = SLAB_FIRST; at + size <= PAGE_SIZE; at += size) {
		void **object = (void **)((u8 *)s + at);

		*object = s->free;
		s->free = object;
	}
	return s;
}

/* A slab of the class with room; its lock is held. */
static struct slab *slab_with_room(struct size_class *c, unsigned cls)
{
	struct slab *s;

	if (!c->partial.next)
		list_init(&c->partial);
	if (!list_empty(&c->partial))
		return list_first(&c->partial, struct slab, list);
	s = slab_create(cls);
	if (s)
		list_add(&s->list, &c->partial);
	return s;
}

static void *slab_alloc(unsigned cls)
{
	struct size_class *c = &classes[cls];
	void **object = NULL;
	struct slab *s;

	spin_lock(&c->lock);
	s = slab_with_room(c, cls);
	if (s) {
		object = s->free;
		s->free = *object;
		s->used++;
		if (!s->free)
			list_del(&s->list);
	}
	spin_unlock(&c->lock);
	return object ? memset(object, 0, sizes[cls]) : NULL;
}

static void slab_free(void *p)
{
	struct slab *s = (struct slab *)((u64)p & PAGE_MASK);
	struct size_class *c = &classes[s->cls];
	bool empty;

	spin_lock(&c->lock);
	BUG_ON(!s->used);
	if (!s->free)
		list_add(&s->list, &c->partial);
	*(void **)p = s->free;
	s->free = p;
	/* An empty one goes at once, so that who frees all he had leaves as many pages as he found. */
	empty = !--s->used;
	if (empty)
		list_del(&s->list);
	spin_unlock(&c->lock);
	if (empty)
		free_page(s);
}

void *xalloc_pages(size_t size, u32 memflags)
{
	unsigned order = order_of(size);
	struct page_info *pg = alloc_heap_pages(order, memflags);

	if (!pg)
		return NULL;
	pg->u.order = order;
	return page_to_virt(pg);
}

void *xzalloc_bytes(size_t size)
{
	for (unsigned cls = 0; cls < NR_CLASSES; cls++)
		if (size <= sizes[cls])
			return slab_alloc(cls);
	return xalloc_pages(size, MEMF_zero);
}

void xfree(void *p)
{
	if (!p)
		return;
	if ((u64)p & ~PAGE_MASK) {
		slab_free(p);
	} else {
		struct page_info *pg = mfn_to_page(virt_to_mfn(p));

		free_heap_pages(pg, pg->u.order);
	}
}
