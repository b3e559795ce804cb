/* SPDX-License-Identifier: MIT */
/* What the engine asks of the floors beside and above it: see machine.h. */
#include "machine.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "core/guest_access.h"
#include "core/hypercall.h"
#include "lib/log.h"
#include "paging/paging.h"
#include "x86/context.h"
#include "x86/layout.h"
#include "x86/uaccess.h"

u64 directmap_base, *m2p_table, max_mfn, mfn_mask, maddr_mask, hv_l4_template[16],
	hv_l4_restricted[16];
struct page_info *frame_table;
u32 phys_addr_bits = 36;
u64 l1tf_bits;
bool has_cmpxchg16b;
cpumask_t cpu_online_map = { { BIT(CPUS) - 1 } };
u32 nr_cpus = CPUS;
struct domain *dom_xen, *dom_io, *dom_idle, *hardware_domain;
struct domain *domain_at[DOMS];
u64 flush_time = 1, flushed_at[CPUS], calls_again, calls_abandoned;
unsigned preempt_odds;
u8 guest_code[16];

/* ---- chance: xorshift64* ---- */

static u64 seed_state = 1;

void random_seed(u64 seed)
{
	seed_state = seed * 0x9e3779b97f4a7c15 + 1;
}

u64 random64(void)
{
	seed_state ^= seed_state >> 12;
	seed_state ^= seed_state << 25;
	seed_state ^= seed_state >> 27;
	return seed_state * 0x2545f4914f6cdd1d >> 8;
}

/* ---- memory and domains ---- */

static struct domain *new_domain(u16 id)
{
	struct domain *d = calloc(1, sizeof(*d));

	d->id = id;
	d->refcount = 1;
	d->dirty_cpus.bits[0] = id % 2 ? BIT(CPUS) - 1 : 1;
	return d;
}

void machine_init(void)
{
	directmap_base = (u64)aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
	memset((void *)directmap_base, 0, FRAMES * PAGE_SIZE);
	frame_table = calloc(FRAMES, sizeof(*frame_table));
	m2p_table = malloc(FRAMES * sizeof(u64));
	memset(m2p_table, 0xff, FRAMES * sizeof(u64));
	set_max_mfn(FRAMES);
	for (int s = 0; s < SLOTS; s++)
		if (hv_slot(s))
			hv_l4_template[slot_index[s] - 256] = hv_entry[s];
	dom_xen = new_domain(DOMID_XEN);
	dom_io = new_domain(DOMID_IO);
	heap_add(FIRST_RAM, FRAMES);
}

struct domain *machine_domain_create(u16 id, bool privileged, u64 max_pages)
{
	struct domain *d = new_domain(id);

	d->privileged = privileged;
	d->max_pages = max_pages;
	d->max_vcpus = VCPUS;
	for (u32 i = 0; i < VCPUS; i++) {
		struct vcpu *v = calloc(1, sizeof(*v));

		v->domain = d;
		v->id = v->processor = i;
		v->vcpu_info_mfn = INVALID_MFN;
		v->arch.flags = VCPU_KERNEL_MODE;
		d->vcpu[i] = v;
	}
	domain_at[id] = d;
	return d;
}

void machine_domain_free(u16 id)
{
	struct domain *d = domain_at[id];

	if (d->refcount != 1)
		fail("d%u: %u references leaked", id, d->refcount - 1);
	for (u32 i = 0; i < VCPUS; i++)
		free(d->vcpu[i]);
	free(d);
	domain_at[id] = NULL;
}

struct domain *domain_of_owner(u16 id)
{
	return id == DOMID_XEN ? dom_xen :
	       id == DOMID_IO  ? dom_io :
	       id < DOMS       ? domain_at[id] :
				 NULL;
}

struct domain *domain_get(u16 id)
{
	struct domain *d = id < DOMS ? domain_at[id] : NULL;

	if (!d || d->dying)
		return NULL;
	d->refcount++;
	return d;
}

void domain_put(struct domain *d)
{
	d->refcount--;
}

/* ---- processors ---- */

void cpu_work(u32 cpu, u32 bits)
{
	(void)cpu, (void)bits;
}

void domain_reap(void)
{
	/* the reaper is the test itself */
}

u32 smp_processor_id(void)
{
	return 0;
}

bool preempt_needed(void)
{
	return once_in(preempt_odds);
}

void preempt_charge(u32 n)
{
	(void)n; /* what it makes come earlier comes at random here */
}

/* There is one thread: who waits waits for ever. */
void spin_wait(void)
{
	fail("the engine waits for itself");
}

u32 tlb_clock(void)
{
	return flush_time;
}

void tlb_flush_mask(const cpumask_t *mask)
{
	flush_time++;
	for (u32 cpu = 0; cpu < CPUS; cpu++)
		if (cpumask_test(cpu, mask))
			flushed_at[cpu] = flush_time;
}

void tlb_flush_for_retype(struct domain *d, u32 stamp)
{
	cpumask_t late = { { 0 } };

	for (u32 cpu = 0; cpu < CPUS; cpu++)
		if (cpumask_test(cpu, &d->dirty_cpus) && flushed_at[cpu] <= stamp)
			cpumask_set(cpu, &late);
	if (late.bits[0])
		tlb_flush_mask(&late);
}

void tlb_flush_va_mask(const cpumask_t *mask, u64 va)
{
	(void)mask, (void)va;
}

void tlb_flush_local(void)
{
	tlb_flush_mask(&(cpumask_t){ { 1 } });
}

void tlb_flush_va_local(u64 va)
{
	(void)va;
}

/*
 * Every vCPU is on a processor: the roots it has loaded must stay what they are until it leaves
 * them.
 */
static void check_root(u64 mfn)
{
	if (mfn && ((u64 *)mfn_to_virt(mfn))[HV_SLOT_FIRST] != hv_l4_template[0])
		fail("frame %lx is a root in use, and has lost the hypervisor's entries", mfn);
}

void load_guest_root(struct vcpu *v)
{
	check_root(v->arch.kernel_cr3);
	v->arch.kernel_cr3 = v->arch.guest_table;
}

void note_user_root(struct vcpu *v)
{
	check_root(v->arch.user_cr3);
	v->arch.user_cr3 = v->arch.user_table;
}

void load_descriptor_window(struct vcpu *v)
{
	(void)v;
}

bool iomem_allowed(u64 mfn, bool write)
{
	return mfn != FIRST_DEVICE + 2 && !(write && mfn == FIRST_DEVICE + 1);
}

/* ---- the guest's memory is the program's ---- */

int copy_from_guest(void *dst, u64 va, size_t len)
{
	if (va < PAGE_SIZE)
		return -EFAULT;
	memcpy(dst, (void *)va, len);
	return 0;
}

int copy_to_guest(u64 va, const void *src, size_t len)
{
	if (va < PAGE_SIZE)
		return -EFAULT;
	memcpy((void *)va, src, len);
	return 0;
}

size_t fetch_guest_code(u8 *buf, u64 va, size_t max)
{
	(void)va;
	memcpy(buf, guest_code, max);
	return max;
}

/* ---- messages ---- */

void log_at(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (level <= LOG_WARN)
		vfprintf(stderr, fmt, ap);
	va_end(ap);
}

void guest_log_at(enum log_level level, const char *fmt, ...)
{
	(void)level, (void)fmt;
}

noreturn_fn void panic(const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fail("the engine panics: %s", text);
}

/* ---- hypercalls ---- */

static struct {
	bool wanted;
	u64 args[5];
} again;

long hypercall_restart(struct vcpu *v, u32 nr, unsigned nargs, const u64 *args)
{
	(void)v, (void)nr;
	again.wanted = true;
	memset(again.args, 0, sizeof(again.args));
	memcpy(again.args, args, nargs * sizeof(u64));
	return -ERESTART;
}

static hypercall_fn *const calls[] = {
	[__HYPERVISOR_mmu_update] = do_mmu_update,
	[__HYPERVISOR_mmuext_op] = do_mmuext_op,
	[__HYPERVISOR_update_va_mapping] = do_update_va_mapping,
	[__HYPERVISOR_update_va_mapping_otherdomain] = do_update_va_mapping_otherdomain,
};

long hypercall(struct vcpu *v, u32 nr, u64 a1, u64 a2, u64 a3, u64 a4, unsigned at_most)
{
	u64 args[5] = { a1, a2, a3, a4 };
	long rc;

	for (;;) {
		again.wanted = false;
		rc = calls[nr](args[0], args[1], args[2], args[3], args[4], v);
		if (!again.wanted)
			break;
		calls_again++;
		if (at_most && !--at_most) {
			calls_abandoned++;
			return ABANDONED;
		}
		memcpy(args, again.args, sizeof(args));
	}
	if (rc == -ERESTART)
		fail("-ERESTART reaches the guest");
	return rc;
}
