/* The way to program() and back, and printing. */

#include "mach_program.h"

#include <stdarg.h>

/* Bytes that both kernels print at once, the last zero included. */
#define LINE 64
/* Numbers that are text at the same time. */
#define NUMBERS 4
#define DIGITS 12

void run(int count, char **arguments);

void run(int count, char **arguments)
{
	program(count, arguments);
	for (;;)
		syscall_task_terminate(mach_task_self());
}

void print_line(const char *first, ...)
{
	char line[LINE];
	unsigned length = 0;
	va_list strings;
	const char *text;

	va_start(strings, first);
	for (text = first; text; text = va_arg(strings, const char *))
		while (*text && length < LINE - 2)
			line[length++] = *text++;
	va_end(strings);
	line[length++] = '\n';
	line[length] = 0;
	mach_print(line);
}

static const char *digits(unsigned number, unsigned base, const char *before)
{
	static char texts[NUMBERS][DIGITS];
	static unsigned next;
	char *at = texts[next++ % NUMBERS] + DIGITS - 1;
	unsigned length = 0;

	*at = 0;
	do {
		*--at = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	while (before[length])
		length++;
	while (length)
		*--at = before[--length];
	return at;
}

const char *decimal(unsigned number)
{
	return digits(number, 10, "");
}

const char *hexadecimal(unsigned number)
{
	return digits(number, 16, "0x");
}
