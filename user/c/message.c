/* Sends itself messages with all that they can carry, and says what arrives. */

#include "mach_program.h"

#define PAGE 4096

static mach_port_t task, port;

static void tell(const char *what, unsigned code)
{
	print_line("c message: ", what, ": ", hexadecimal(code), 0);
}

static mach_msg_type_t inline_items(unsigned name, unsigned bits, unsigned number)
{
	mach_msg_type_t type = { 0 };

	type.msgt_name = name;
	type.msgt_size = bits;
	type.msgt_number = number;
	type.msgt_inline = TRUE;
	return type;
}

static void address_to(mach_msg_header_t *header, unsigned size, mach_msg_bits_t flags)
{
	header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | flags;
	header->msgh_size = size;
	header->msgh_remote_port = port;
	header->msgh_local_port = MACH_PORT_NULL;
	header->msgh_seqno = 0;
	header->msgh_id = 77;
}

/* Sends and receives in one trap; nothing waits for ever. */
static unsigned through(mach_msg_header_t *header, unsigned room)
{
	return mach_msg_trap(header,
			     MACH_SEND_MSG | MACH_RCV_MSG | MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT,
			     header->msgh_size, room, port, 0, MACH_PORT_NULL);
}

static void words(void)
{
	struct {
		mach_msg_header_t header;
		mach_msg_type_t type;
		unsigned words[4];
		char room[64];
	} message;
	unsigned place, sum = 0;

	address_to(&message.header, 24 + 4 + 16, 0);
	message.type = inline_items(MACH_MSG_TYPE_INTEGER_32, 32, 4);
	for (place = 0; place < 4; place++)
		message.words[place] = 10 + place;
	tell("four words", through(&message.header, sizeof message));
	for (place = 0; place < 4; place++)
		sum += message.words[place];
	print_line("c message: they arrive: ", decimal(sum), ", id ",
		   decimal(message.header.msgh_id), ", size ",
		   decimal(message.header.msgh_size), 0);
}

static void rights(void)
{
	struct {
		mach_msg_header_t header;
		mach_msg_type_t type;
		mach_port_t right;
		char room[64];
	} message;

	address_to(&message.header, 24 + 8, MACH_MSGH_BITS_COMPLEX);
	message.type = inline_items(MACH_MSG_TYPE_MAKE_SEND_ONCE, 32, 1);
	message.right = port;
	tell("a send-once right", through(&message.header, sizeof message));
	print_line("c message: it arrives as type ", decimal(message.type.msgt_name),
		   MACH_PORT_VALID(message.right) ? ", valid" : ", invalid", 0);
	tell("deallocate it", syscall_mach_port_deallocate(task, message.right));
	tell("a notification", mach_msg_trap(&message.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0,
					     sizeof message, port, 0, MACH_PORT_NULL));
	print_line("c message: its id is ", decimal(message.header.msgh_id), 0);
	address_to(&message.header, 24 + 8, MACH_MSGH_BITS_COMPLEX);
	message.type = inline_items(MACH_MSG_TYPE_COPY_SEND, 32, 1);
	message.right = 0x7777;
	tell("a right of nobody's", through(&message.header, sizeof message));
}

static void memory(void)
{
	struct {
		mach_msg_header_t header;
		mach_msg_type_long_t type;
		vm_offset_t address;
		char room[64];
	} message;
	vm_offset_t from;
	unsigned *arrived;

	tell("two pages", syscall_vm_allocate(task, &from, 2 * PAGE, TRUE));
	*(unsigned *) from = 41;
	address_to(&message.header, 24 + 16, MACH_MSGH_BITS_COMPLEX);
	message.type.msgtl_header = inline_items(0, 0, 0);
	message.type.msgtl_header.msgt_inline = FALSE;
	message.type.msgtl_header.msgt_longform = TRUE;
	message.type.msgtl_name = MACH_MSG_TYPE_BYTE;
	message.type.msgtl_size = 8;
	message.type.msgtl_number = 2 * PAGE;
	message.address = from;
	tell("out of line", through(&message.header, sizeof message));
	arrived = (unsigned *) message.address;
	*(unsigned *) from = 42;
	print_line("c message: what arrives is a copy: ", decimal(*arrived), 0);
	tell("deallocate it", syscall_vm_deallocate(task, message.address, 2 * PAGE));
}

static void limits(void)
{
	mach_msg_header_t header;
	unsigned sent = 0, code;

	do {
		address_to(&header, sizeof header, 0);
		code = mach_msg_trap(&header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof header, 0,
				     MACH_PORT_NULL, 0, MACH_PORT_NULL);
	} while (code == MACH_MSG_SUCCESS && ++sent < 100);
	tell("a full queue", code);
	print_line("c message: it has ", decimal(sent), 0);
	while (sent--)
		code = mach_msg_trap(&header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof header,
				     port, 0, MACH_PORT_NULL);
	tell("the last of them", code);
	code = mach_msg_trap(&header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof header, port, 20,
			     MACH_PORT_NULL);
	tell("an empty queue", code);
	address_to(&header, sizeof header, 0);
	tell("no room for it", through(&header, 8));
	header.msgh_remote_port = MACH_PORT_NULL;
	code = mach_msg_trap(&header, MACH_SEND_MSG, sizeof header, 0, MACH_PORT_NULL, 0,
			     MACH_PORT_NULL);
	tell("to nobody", code);
}

void program(int count, char **arguments)
{
	(void) count;
	(void) arguments;
	task = mach_task_self();
	tell("a port", syscall_mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, &port));
	tell("a send right", syscall_mach_port_insert_right(task, port, port,
							    MACH_MSG_TYPE_MAKE_SEND));
	words();
	rights();
	memory();
	limits();
	print_line("c message: done", 0);
}
