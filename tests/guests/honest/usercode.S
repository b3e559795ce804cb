/* SPDX-License-Identifier: MIT */
/* Programs for user mode, copied to USER_CODE. User data: one page at USER_CODE + 4096. */
	.macro	prog name
	.globl	\name, \name\()_end
\name:
	.endm
	.macro	endprog name
\name\()_end:
	.endm

	.text
	.code64
	prog	u_syscall			/* five calls; r12 counts, the rest is checked */
	mov	$0x1234, %eax
	mov	$0x55, %ebx
	xor	%r12d, %r12d
1:	syscall
	inc	%r12
	jmp	1b
	endprog	u_syscall

	prog	u_int80
	mov	$0x80, %eax
	int	$0x80
	int3
	endprog	u_int80

	prog	u_fault				/* store to the address in rdi */
	movb	$1, (%rdi)
	ud2
	endprog	u_fault

	prog	u_load
	mov	(%rdi), %rax
	ud2
	endprog	u_load

	prog	u_priv
	hlt
	endprog	u_priv

	prog	u_hypercall			/* not a hypercall from here */
	mov	$17, %eax
	xor	%edi, %edi
	syscall
	ud2
	endprog	u_hypercall

	prog	u_bases				/* rax = fs:0, rbx = gs:0 */
	mov	%fs:0, %rax
	mov	%gs:0, %rbx
	int	$0x80
	endprog	u_bases

	prog	u_spin				/* until the word at rdi is set */
1:	cmpl	$0, (%rdi)
	je	1b
	int	$0x80
	endprog	u_spin

	prog	u_cpuid				/* forced emulation works here too */
	mov	$0x40000000, %eax
	.byte	0x0f, 0x0b, 0x78, 0x65, 0x6e
	cpuid
	int	$0x80
	endprog	u_cpuid

	.code32
	prog	c_int80
	mov	$0x80, %eax
	mov	$0x11223344, %ebx
	int	$0x80
	ud2
	endprog	c_int80

	prog	c_syscall
	mov	$0x32, %eax
	mov	$7, %ebx
	syscall
	ud2
	endprog	c_syscall

	prog	c_sysenter
	mov	$0x33, %eax
	mov	%esp, %ebp
	sysenter
	ud2
	endprog	c_sysenter

	prog	c_into				/* two that 64-bit code does not have */
	mov	$0x7fffffff, %eax
	add	$1, %eax
	into
	ud2
	endprog	c_into

	prog	c_bound
	bound	%eax, (%edi)
	ud2
	endprog	c_bound

	prog	c_stack				/* push, pop, call in compatibility mode */
	push	$0x1234
	call	1f
1:	pop	%ecx
	pop	%ebx
	int	$0x80
	endprog	c_stack
	.section .note.GNU-stack, "", @progbits
