/* A first program in C: says what it was started with, and which ports it has. */

#include "mach_program.h"

static void tell(const char *what, mach_port_t port)
{
	print_line("c hello: ", what, MACH_PORT_VALID(port) ? " port: yes" : " port: NO", 0);
}

void program(int count, char **arguments)
{
	int place;

	for (place = 1; place < count; place++)
		print_line("c hello: argument ", decimal(place), " is ", arguments[place], 0);
	tell("task", mach_task_self());
	tell("thread", mach_thread_self());
	tell("host", mach_host_self());
	tell("reply", mach_reply_port());
	print_line("c hello: done", 0);
}
