/* SPDX-License-Identifier: MIT */
/* Machine interrupts as event channels of the privileged domain. */
#include "x86/pirq.h"

#include "core/event.h"
#include "lib/log.h"
#include "x86/pci.h"

static struct irq *irq_lock(u32 pirq)
{
	struct irq *irq = pirq_get(pirq);

	if (irq)
		spin_lock(&irq->lock);
	return irq;
}

/* ---- binding; called by the event channel code under the domain's event_lock ---- */

static int bind(struct irq *irq, struct domain *d, u32 port)
{
	int rc;

	if (irq->kind == IRQ_FREE || (irq->kind == IRQ_GSI && !irq->mapped))
		return err_here(-EINVAL);
	if (irq->handler)
		return err_here(-EBUSY);
	if (irq->domain)
		return err_here(-EEXIST);
	rc = irq->vector ? 0 : irq_route(irq, d->vcpu[0]->processor);
	if (rc)
		return rc;
	irq->domain = d;
	irq->port = port;
	irq->in_service = false;
	irq->strays = 0;
	if (irq->switched_off)
		msi_set_enable(irq, true);
	irq->switched_off = false;
	irq_set_mask(irq, false);
	return 0;
}

/* will_share: nobody to share with, one domain has them all. */
int arch_pirq_bind(struct domain *d, u32 pirq, u32 port, bool will_share)
{
	struct irq *irq = d->privileged ? irq_lock(pirq) : NULL;
	int rc;

	if (!irq)
		return err_here(d->privileged ? -EINVAL : -EPERM);
	rc = bind(irq, d, port);
	spin_unlock(&irq->lock);
	return rc;
}

void arch_pirq_unbind(struct domain *d, u32 pirq)
{
	struct irq *irq = irq_lock(pirq);

	if (!irq)
		return;
	if (irq->domain == d) {
		irq_set_mask(irq, true);
		irq->domain = NULL;
		irq->in_service = false;
		if (irq->kind == IRQ_GSI)
			irq_unroute(irq);
	}
	spin_unlock(&irq->lock);
}

void arch_pirq_unmasked(struct domain *d, u32 pirq)
{
	/* An open port wants the next interrupt, whether the domain says EOI too or not. */
	if (d->privileged)
		pirq_eoi(pirq);
}

void arch_pirq_set_cpu(struct domain *d, u32 pirq, u32 cpu)
{
	struct irq *irq = irq_lock(pirq);

	if (!irq)
		return;
	if (irq->domain == d)
		(void)irq_route(irq, cpu); /* or it stays where it is: slower, not wrong */
	spin_unlock(&irq->lock);
}

int pirq_eoi(u32 pirq)
{
	struct irq *irq = pirq_get(pirq);

	if (!irq)
		return err_here(-EINVAL);
	if (!READ_ONCE(irq->in_service))
		return 0;
	spin_lock(&irq->lock);
	if (irq->in_service && irq->domain) {
		irq->in_service = false;
		irq_set_mask(irq, false);
	}
	spin_unlock(&irq->lock);
	return 0;
}

/* ---- mapping ---- */

int pirq_setup_gsi(u32 gsi, bool level, bool low)
{
	struct irq *irq = gsi < nr_gsis ? irq_lock(gsi) : NULL;
	int rc = 0;

	if (!irq)
		return err_here(-EINVAL);
	if (irq->handler || (irq->set_up && irq->level == level && irq->low == low)) {
		rc = -EEXIST;
	} else if (irq->domain) {
		rc = err_here(-EBUSY);
	} else {
		irq->level = level;
		irq->low = low;
		irq->set_up = true;
	}
	spin_unlock(&irq->lock);
	return rc;
}

int pirq_map_gsi(u32 gsi, s32 *pirq)
{
	if (gsi >= nr_gsis || (*pirq >= 0 && (u32)*pirq != gsi))
		return err_here(-EINVAL);
	spin_lock(&irqs[gsi].lock);
	irqs[gsi].mapped = true;
	spin_unlock(&irqs[gsi].lock);
	*pirq = gsi;
	return 0;
}

int pirq_reserve(void)
{
	struct irq *irq;
	bool got;

	for (irq = irqs + nr_gsis; irq < irqs + nr_irqs; irq++) {
		spin_lock(&irq->lock);
		got = irq->kind == IRQ_FREE && !irq->reserved;
		irq->reserved |= got;
		spin_unlock(&irq->lock);
		if (got)
			return irq->nr;
	}
	return err_here(-ENOSPC);
}

int pirq_map_msi(s32 *pirq, u16 bdf, bool msix, u16 entry, u32 cpu)
{
	int nr = *pirq < 0 ? pirq_reserve() : *pirq, rc;

	if (nr < 0)
		return nr;
	if ((u32)nr < nr_gsis || (u32)nr >= nr_irqs)
		return err_here(-EINVAL);
	rc = msi_attach(&irqs[nr], bdf, msix, entry, cpu);
	if (rc && *pirq < 0)
		pirq_unmap(nr);
	if (rc == 0)
		*pirq = nr;
	return rc;
}

/* IRQ_FREE: only what get_free_pirq handed out; a pin: its mapping. irq->lock held. */
static int unmap(struct irq *irq)
{
	bool was = irq->mapped || irq->reserved;

	if (irq->domain)
		return err_here(-EBUSY);
	irq->mapped = irq->reserved = false;
	return was ? 0 : err_here(-EINVAL);
}

int pirq_unmap(u32 pirq)
{
	struct irq *irq = irq_lock(pirq);
	bool msi;
	int rc = 0;

	if (!irq)
		return err_here(-EINVAL);
	msi = irq->kind == IRQ_MSI;
	if (!msi)
		rc = unmap(irq);
	spin_unlock(&irq->lock);
	return msi ? msi_detach(irq) : rc;
}
