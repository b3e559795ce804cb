/* SPDX-License-Identifier: MIT */
/* Console hardware: a 16550 at com1=, and the VGA text screen. Output is polled and works anywhere.
 */
#include "x86/serial.h"

#include "core/console.h"
#include "core/timer.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/page.h"
#include "x86/asm.h"
#include "x86/irq.h"
#include "x86/setup.h"

/* 16550 registers, from the base port */
enum { UART_DATA, UART_IER, UART_FCR, UART_LCR, UART_MCR, UART_LSR, UART_SCR = 7 };
#define LSR_DATA_READY BIT(0)
#define LSR_THR_EMPTY BIT(5)
#define LCR_DLAB 0x80
#define UART_CLOCK 115200 /* baud at divisor 1 */

static u16 uart_base = 0x3f8; /* 0: none */
static u32 uart_irq = 4;
static u32 uart_baud __initdata = 115200; /* 0: as the firmware left it */
static u8 uart_lcr __initdata = 3;
static bool use_uart = true, use_vga = true;
static struct timer poll_timer;
#define POLL_NS 20000000UL

/* ---- options ---- */

/* 8n1 and the like: data bits, parity, stop bits. */
static int __init parse_frame(const char **s)
{
	static const char parities[] = "noems";
	u8 bits = (u8)((*s)[0] - '5'), stop;
	const char *parity = (*s)[0] && (*s)[1] ? strchr(parities, (*s)[1]) : NULL;

	if (bits > 3 || !parity)
		return -EINVAL;
	stop = (u8)((*s)[2] - '1');
	if (stop > 1)
		return -EINVAL;
	uart_lcr = (u8)(bits | stop << 2);
	if (parity != parities)
		uart_lcr |= (u8)(8 | (parity - parities - 1) << 4);
	*s += 3;
	return 0;
}

/* com1=<baud>[/<clock>][,<frame>[,<port>[,<irq>]]]; empty fields keep their defaults. */
static int __init parse_com1(const char *s)
{
	if (!strncmp(s, "auto", 4)) {
		uart_baud = 0;
		s += 4;
	} else if (*s && *s != ',') {
		uart_baud = parse_number(&s);
		if (*s == '/') {
			s++;
			parse_number(&s);
		}
	}
	if (*s == ',' && *++s && *s != ',' && parse_frame(&s))
		return -EINVAL;
	if (*s == ',' && *++s && *s != ',')
		uart_base = (u16)parse_number(&s);
	if (*s == ',' && *++s && *s != ',')
		uart_irq = parse_number(&s);
	return *s && *s != ',' ? -EINVAL : 0;
}
BOOT_OPTION("com1", parse_com1);

static int __init parse_console(const char *s)
{
	bool uart = false, vga = false;

	while (*s) {
		const char *comma = strchr(s, ',');
		size_t n = comma ? (size_t)(comma - s) : strlen(s);

		if (n == 4 && !strncmp(s, "com1", n))
			uart = true;
		else if (n == 3 && !strncmp(s, "vga", n))
			vga = true;
		else if (n != 4 || strncmp(s, "none", n) != 0)
			return -EINVAL;
		s += n + (s[n] == ',');
	}
	use_uart = uart;
	use_vga = vga;
	return 0;
}
BOOT_OPTION("console", parse_console);

static int __init parse_loglvl(const char *s)
{
	return console_set_level(s, false);
}
static int __init parse_guest_loglvl(const char *s)
{
	return console_set_level(s, true);
}
BOOT_OPTION("loglvl", parse_loglvl);
BOOT_OPTION("guest_loglvl", parse_guest_loglvl);

/* ---- output ---- */

void __init serial_init(void)
{
	if (!use_uart)
		return;
	outb(uart_base + UART_SCR, 0x5a);
	if (inb(uart_base + UART_SCR) != 0x5a || inb(uart_base + UART_LSR) == 0xff) {
		use_uart = false; /* nothing there */
		return;
	}
	outb(uart_base + UART_IER, 0);
	if (uart_baud) {
		u32 divisor = MAX(UART_CLOCK / uart_baud, 1u);

		outb(uart_base + UART_LCR, LCR_DLAB | uart_lcr);
		outb(uart_base + UART_DATA, (u8)divisor);
		outb(uart_base + UART_IER, (u8)(divisor >> 8));
		outb(uart_base + UART_LCR, uart_lcr);
	}
	outb(uart_base + UART_FCR, 0x07); /* FIFOs on and empty */
	outb(uart_base + UART_MCR, 0x0b); /* DTR, RTS, interrupt line */
}

static void uart_putc(char c)
{
	/* Bounded: a line without a listener must not hold the machine. */
	for (unsigned i = 0; i < 20000 && !(inb(uart_base + UART_LSR) & LSR_THR_EMPTY); i++)
		cpu_relax();
	outb(uart_base + UART_DATA, (u8)c);
}

#define VGA_COLS 80
#define VGA_ROWS 25
static u16 *vga;   /* text memory, mapped when first used */
static u32 vga_at; /* cell */

/* No scrolling, which would read slow memory: from the last line on to the first, the next one
 * wiped. */
static void vga_putc(char c)
{
	if (c != '\n' && c != '\r')
		vga[vga_at++] = (u16)(0x0700 | (u8)c);
	if (c != '\n' && vga_at % VGA_COLS)
		return;
	if (c == '\n')
		vga_at += VGA_COLS - vga_at % VGA_COLS;
	vga_at %= VGA_COLS * VGA_ROWS;
	for (unsigned i = 0; i < VGA_COLS; i++)
		vga[vga_at + i] = 0x0720;
}

void console_vga_init(void)
{
	if (use_vga && !boot_info.efi_system_table)
		vga = ioremap(0xb8000, VGA_COLS * VGA_ROWS * sizeof(*vga));
}

void console_vga_release(void)
{
	vga = NULL;
}

void console_hw_write(const char *s, size_t n)
{
	static char last; /* [console lock] a domain's line may bring its own CR */

	for (; n; n--, last = *s++) {
		if (use_uart) {
			if (*s == '\n' && last != '\r')
				uart_putc('\r');
			uart_putc(*s);
		}
		if (vga)
			vga_putc(*s);
	}
}

/* ---- input ---- */

static void take_input(void)
{
	/* Bounded: a stuck status bit must not hold the processor. */
	for (unsigned i = 0; i < 64 && (inb(uart_base + UART_LSR) & LSR_DATA_READY); i++)
		console_input((char)inb(uart_base + UART_DATA));
}

static void serial_poll(void *data)
{
	take_input();
	timer_set(data, now_ns() + POLL_NS);
}

void __init serial_irq_init(void)
{
	if (!use_uart)
		return;
	if (irq_request_isa(uart_irq, take_input)) {
		timer_init(&poll_timer, serial_poll, &poll_timer, 0);
		timer_set(&poll_timer, now_ns() + POLL_NS);
		return;
	}
	outb(uart_base + UART_IER, 1); /* received data */
	take_input();
}

u16 console_port(void)
{
	return use_uart ? uart_base : 0;
}
