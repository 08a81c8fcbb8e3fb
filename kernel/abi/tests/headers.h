/* Includes what the facts are about; the checks are appended to this. */
#include <stddef.h>
#include <stdint.h>
#include <mach/kern_return.h>
#include <mach/mig_errors.h>
#include <mach/message.h>
#include <mach/notify.h>
#include <mach/port.h>
#include <mach/std_types.h>
#include <mach/time_value.h>
#include <mach/mach_param.h>
#include <mach/task_info.h>
#include <mach/task_special_ports.h>
#include <mach/thread_info.h>
#include <mach/thread_special_ports.h>
#include <mach/thread_status.h>
#include <mach/thread_switch.h>
#include <mach/exception.h>
#include <mach/policy.h>
#include <mach/pc_sample.h>
#include <mach/host_info.h>
#include <mach/machine.h>
#include <mach/processor_info.h>
#include <mach/memory_object.h>
#include <mach/vm_param.h>
#include <mach/vm_prot.h>
#include <mach/vm_inherit.h>
#include <mach/vm_attributes.h>
#include <mach/vm_statistics.h>
#include <mach/vm_cache_statistics.h>
#include <mach/vm_sync.h>
#include <mach/vm_wire.h>
#include <mach/i386/mach_i386_types.h>
#include <mach_debug/mach_debug_types.h>
#include <device/device_types.h>
#include <device/tty_status.h>
#include <device/notify.h>
#undef _MACH_I386_FP_REG_H_
#define MACH_KERNEL 1
#define i386_fp_save second_fp_save
#define i386_fp_regs second_fp_regs
#define i386_xfp_xstate_header second_xstate_header
#define i386_xfp_save second_xfp_save
#include <mach/i386/fp_reg.h>
#undef _MACH_SYSCALL_SW_H_
#undef kernel_trap
#define _MACH_I386_SYSCALL_SW_H_
#define kernel_trap(name, number, count) enum { trap_##name = number, arguments_##name = count };
#include <mach/syscall_sw.h>
