/* SPDX-License-Identifier: MIT */
/* Drives a ring with pseudo-random traffic and prints every decision, for comparison. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/io/ring.h>

#ifndef xen_mb
#define xen_mb() __sync_synchronize()
#define xen_rmb() __sync_synchronize()
#define xen_wmb() __sync_synchronize()
#endif

struct req {
	uint64_t id;
	uint32_t op;
	uint32_t arg;
	uint8_t rest[24];
};

struct rsp {
	uint64_t id;
	int16_t status;
};

DEFINE_RING_TYPES(t, struct req, struct rsp);

static _Alignas(4096) unsigned char page[4096];
static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static void submit(t_front_ring_t *front)
{
	uint32_t n = draw(12);
	int notify;

	while (n-- > 0 && !RING_FULL(front)) {
		struct req *req = RING_GET_REQUEST(front, front->req_prod_pvt);

		memset(req, 0, sizeof(*req));
		req->id = front->req_prod_pvt++;
		req->op = draw(100);
	}
	RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(front, notify);
	printf("submit %u notify %d free %u\n", front->req_prod_pvt, !!notify,
	       RING_FREE_REQUESTS(front));
}

static void serve(t_back_ring_t *back)
{
	uint32_t n = draw(12);
	int notify, work;

	while (n-- > 0 && XEN_RING_NR_UNCONSUMED_REQUESTS(back)) {
		struct rsp *rsp;
		struct req req;

		RING_COPY_REQUEST(back, back->req_cons, &req);
		back->req_cons++;
		rsp = RING_GET_RESPONSE(back, back->rsp_prod_pvt++);
		rsp->id = req.id;
		rsp->status = (int16_t)req.op;
	}
	RING_PUSH_RESPONSES_AND_CHECK_NOTIFY(back, notify);
	RING_FINAL_CHECK_FOR_REQUESTS(back, work);
	printf("serve %u notify %d work %d\n", back->rsp_prod_pvt, !!notify, !!work);
}

static void collect(t_front_ring_t *front)
{
	int work;

	while (XEN_RING_NR_UNCONSUMED_RESPONSES(front) && draw(8)) {
		struct rsp rsp;

		RING_COPY_RESPONSE(front, front->rsp_cons, &rsp);
		front->rsp_cons++;
		printf("response %llu %d\n", (unsigned long long)rsp.id, rsp.status);
	}
	RING_FINAL_CHECK_FOR_RESPONSES(front, work);
	printf("collect %u work %d\n", front->rsp_cons, !!work);
}

int main(void)
{
	t_front_ring_t front;
	t_back_ring_t back;

	XEN_FRONT_RING_INIT(&front, (t_sring_t *)page, sizeof(page));
	BACK_RING_INIT(&back, (t_sring_t *)page, sizeof(page));
	printf("layout %zu %zu %zu %zu %zu\n", sizeof(t_sring_t), offsetof(t_sring_t, rsp_prod),
	       offsetof(t_sring_t, rsp_event), offsetof(t_sring_t, ring),
	       sizeof(union t_sring_entry));
	printf("size %u %lu\n", RING_SIZE(&front), (unsigned long)__CONST_RING_SIZE(t, 8192));
	for (int i = 0; i < 400; i++) {
		submit(&front);
		serve(&back);
		collect(&front);
	}
	for (uint32_t d = 90; d < 110; d++)
		printf("overflow %d %d %d\n",
		       RING_REQUEST_CONS_OVERFLOW(&back, back.rsp_prod_pvt + d - 40),
		       RING_REQUEST_PROD_OVERFLOW(&back, back.rsp_prod_pvt + d - 40),
		       RING_RESPONSE_PROD_OVERFLOW(&front, front.rsp_cons + d - 40));
	return 0;
}
