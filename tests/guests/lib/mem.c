/* SPDX-License-Identifier: MIT */
/* Pages, page tables and user mode's address space. */
#include "guest.h"

static u8 pool[GUEST_POOL_PAGES][4096] __attribute__((section(".bss.page"), aligned(4096)));
u8 window[WINDOW_PAGES * 4096] __attribute__((section(".bss.page"), aligned(4096)));
static u64 window_pte[WINDOW_PAGES]; /* what was mapped there at start */
static void *free_list;
static unsigned pool_used;

u64 user_l4_mfn;
u8 *user_code, *user_data;
u64 *user_l1, *user_l4;

void mem_fill(void *p, u8 v, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(p), "+c"(n) : "a"(v) : "memory");
}

void mem_copy(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n)::"memory");
}

bool mem_same(const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const volatile u8 *)a)[i] != ((const volatile u8 *)b)[i])
			return false;
	return true;
}

/* What the compiler may call on its own. */
void *memset(void *p, int c, size_t n)
{
	mem_fill(p, (u8)c, n);
	return p;
}
void *memcpy(void *to, const void *from, size_t n)
{
	mem_copy(to, from, n);
	return to;
}

void *page_alloc(void)
{
	void *p = free_list;

	if (p) {
		free_list = *(void **)p;
	} else {
		if (pool_used == GUEST_POOL_PAGES)
			die("page pool is empty");
		p = pool[pool_used++];
	}
	mem_fill(p, 0, PAGE);
	return p;
}

void page_free(void *page)
{
	*(void **)page = free_list;
	free_list = page;
}

void *va_of_mfn(u64 mfn)
{
	return (void *)(GUEST_BASE + (M2P[mfn] << 12));
}

u64 *pte_at(const void *va, unsigned level)
{
	u64 *t = (u64 *)si->pt_base;

	for (unsigned l = 4;; l--) {
		u64 *e = t + (A(va) >> (12 + 9 * (l - 1)) & 511);

		if (l == level)
			return e;
		if (!(*e & PTE_P))
			return NULL;
		t = va_of_mfn((*e & PTE_ADDR) >> 12);
	}
}

u64 *pte_of(const void *va)
{
	u64 *e = pte_at(va, 1);

	if (!e)
		die("no page table for %lx", A(va));
	return e;
}

u64 mfn_of(const void *va)
{
	return (*pte_of(va) & PTE_ADDR) >> 12;
}

u64 ma_of(const void *va)
{
	return mfn_of(va) << 12 | (A(va) & 4095);
}

long set_va(const void *va, u64 pte)
{
	return HC(update_va_mapping, va, pte, UVMF_INVLPG | UVMF_ALL, 0);
}

long make_ro(const void *va)
{
	return set_va(va, mfn_of(va) << 12 | PTE_RO);
}

long make_rw(const void *va)
{
	return set_va(va, mfn_of(va) << 12 | PTE_KERN);
}

bool is_mine(u64 mfn)
{
	const volatile u64 *p2m = (u64 *)si->mfn_list;
	u64 pfn = M2P[mfn];

	return pfn < si->nr_pages && p2m[pfn] == mfn;
}

u64 foreign_mfn(void)
{
	static u64 found;
	long max = memory_op(XENMEM_maximum_ram_page, NULL);

	for (u64 mfn = found ? found : 0x400; max > 0 && mfn < (u64)max; mfn++)
		if (!is_mine(mfn))
			return found = mfn;
	return 0;
}

void *map_mfn(u64 mfn, u64 flags, long *rc)
{
	for (unsigned i = WINDOW_PAGES / 2; i < WINDOW_PAGES; i++) {
		if (window_pte[i])
			continue;
		window_pte[i] = *pte_of(WINDOW(i));
		*rc = set_va(WINDOW(i), mfn << 12 | flags);
		if (!*rc)
			return WINDOW(i);
		window_pte[i] = 0;
		return NULL;
	}
	die("no spare address left");
}

void unmap_mfn(void *va)
{
	unsigned i = (unsigned)((u8 *)va - window) / PAGE;

	if (set_va(va, window_pte[i]))
		die("cannot restore window page %u", i);
	window_pte[i] = 0;
}

void user_setup(void)
{
	u64 *l3 = page_alloc(), *l2 = page_alloc();
	long rc = 0;

	if (user_l4)
		return;
	user_l4 = page_alloc();
	user_l1 = page_alloc();
	user_code = page_alloc();
	user_data = pool[pool_used];
	pool_used += USER_DATA_PAGES;
	user_l1[USER_CODE >> 12 & 511] = mfn_of(user_code) << 12 | PTE_KERN;
	for (unsigned i = 0; i < USER_DATA_PAGES; i++)
		user_l1[(USER_DATA >> 12 & 511) + i] =
			mfn_of(user_data + i * PAGE) << 12 | PTE_KERN;
	l2[USER_CODE >> 21 & 511] = mfn_of(user_l1) << 12 | PTE_KERN;
	l3[0] = mfn_of(l2) << 12 | PTE_KERN;
	user_l4[0] = mfn_of(l3) << 12 | PTE_KERN;
	rc = make_ro(user_l1) ?: make_ro(l2) ?: make_ro(l3) ?: make_ro(user_l4);
	if (rc || (rc = mmuext(MMUEXT_PIN_L4_TABLE, mfn_of(user_l4), 0)))
		die("user page tables: %ld", rc);
	user_l4_mfn = mfn_of(user_l4);
	rc = mmuext(MMUEXT_NEW_USER_BASEPTR, user_l4_mfn, 0);
	if (!rc)
		rc = mmu_update1(ma_of(pte_at((void *)USER_CODE, 4)), mfn_of(l3) << 12 | PTE_KERN,
				 DOMID_SELF);
	if (rc)
		die("user root: %ld", rc);
}

void user_load(const u8 *code, const u8 *end)
{
	user_setup();
	mem_fill(user_code, 0xcc, PAGE);
	mem_copy(user_code, code, (size_t)(end - code));
}
