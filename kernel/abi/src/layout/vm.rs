//! Protection, inheritance, attributes, statistics of virtual memory.
//!
//! Pure values, for anyone. Sources: `mach/vm_prot.h`, `mach/vm_inherit.h`,
//! `mach/vm_attributes.h`, `mach/vm_statistics.h`, `mach/vm_cache_statistics.h`,
//! `mach/vm_sync.h`, `mach/vm_wire.h`, `mach/memory_object.h`.

use super::plain;

/// `PAGE_SIZE`, in bytes (`mach/i386/vm_param.h`).
pub const PAGE_SIZE: u32 = 4096;
/// `VM_MIN_ADDRESS`.
pub const VM_MIN_ADDRESS: u32 = 0;
/// `VM_MAX_ADDRESS`: the first beyond user space.
pub const VM_MAX_ADDRESS: u32 = 0xc000_0000;
/// `VM_PROT_NONE`.
pub const VM_PROT_NONE: i32 = 0;
/// `VM_PROT_READ`.
pub const VM_PROT_READ: i32 = 1;
/// `VM_PROT_WRITE`.
pub const VM_PROT_WRITE: i32 = 2;
/// `VM_PROT_EXECUTE`.
pub const VM_PROT_EXECUTE: i32 = 4;
/// `VM_PROT_DEFAULT`.
pub const VM_PROT_DEFAULT: i32 = 3;
/// `VM_PROT_ALL`.
pub const VM_PROT_ALL: i32 = 7;
/// `VM_PROT_NO_CHANGE`, for pagers.
pub const VM_PROT_NO_CHANGE: i32 = 8;
/// `VM_PROT_NOTIFY`, for pagers.
pub const VM_PROT_NOTIFY: i32 = 0x10;
/// `VM_INHERIT_SHARE`.
pub const VM_INHERIT_SHARE: i32 = 0;
/// `VM_INHERIT_COPY`.
pub const VM_INHERIT_COPY: i32 = 1;
/// `VM_INHERIT_NONE`.
pub const VM_INHERIT_NONE: i32 = 2;
/// `VM_INHERIT_DEFAULT`.
pub const VM_INHERIT_DEFAULT: i32 = VM_INHERIT_COPY;
/// `MATTR_CACHE`.
pub const MATTR_CACHE: i32 = 1;
/// `MATTR_MIGRATE`.
pub const MATTR_MIGRATE: i32 = 2;
/// `MATTR_REPLICATE`.
pub const MATTR_REPLICATE: i32 = 4;
/// `MATTR_VAL_OFF`.
pub const MATTR_VAL_OFF: i32 = 0;
/// `MATTR_VAL_ON`.
pub const MATTR_VAL_ON: i32 = 1;
/// `MATTR_VAL_GET`.
pub const MATTR_VAL_GET: i32 = 2;
/// `MATTR_VAL_CACHE_FLUSH`.
pub const MATTR_VAL_CACHE_FLUSH: i32 = 6;
/// `MATTR_VAL_DCACHE_FLUSH`.
pub const MATTR_VAL_DCACHE_FLUSH: i32 = 7;
/// `MATTR_VAL_ICACHE_FLUSH`.
pub const MATTR_VAL_ICACHE_FLUSH: i32 = 8;
/// `VM_SYNC_ASYNCHRONOUS`.
pub const VM_SYNC_ASYNCHRONOUS: i32 = 1;
/// `VM_SYNC_SYNCHRONOUS`.
pub const VM_SYNC_SYNCHRONOUS: i32 = 2;
/// `VM_SYNC_INVALIDATE`.
pub const VM_SYNC_INVALIDATE: i32 = 4;
/// `VM_WIRE_NONE`.
pub const VM_WIRE_NONE: i32 = 0;
/// `VM_WIRE_CURRENT`.
pub const VM_WIRE_CURRENT: i32 = 1;
/// `VM_WIRE_FUTURE`.
pub const VM_WIRE_FUTURE: i32 = 2;
/// `VM_WIRE_ALL`.
pub const VM_WIRE_ALL: i32 = 3;
/// `MEMORY_OBJECT_COPY_NONE`.
pub const MEMORY_OBJECT_COPY_NONE: i32 = 0;
/// `MEMORY_OBJECT_COPY_CALL`.
pub const MEMORY_OBJECT_COPY_CALL: i32 = 1;
/// `MEMORY_OBJECT_COPY_DELAY`.
pub const MEMORY_OBJECT_COPY_DELAY: i32 = 2;
/// `MEMORY_OBJECT_COPY_TEMPORARY`.
pub const MEMORY_OBJECT_COPY_TEMPORARY: i32 = 3;
/// `MEMORY_OBJECT_RETURN_NONE`.
pub const MEMORY_OBJECT_RETURN_NONE: i32 = 0;
/// `MEMORY_OBJECT_RETURN_DIRTY`.
pub const MEMORY_OBJECT_RETURN_DIRTY: i32 = 1;
/// `MEMORY_OBJECT_RETURN_ALL`.
pub const MEMORY_OBJECT_RETURN_ALL: i32 = 2;

plain! {
    /// `vm_statistics`; pages but for the first and the last two.
    VmStatistics {
        /// Bytes of a page.
        pagesize: i32,
        /// Free.
        free_count: i32,
        /// Active.
        active_count: i32,
        /// Inactive.
        inactive_count: i32,
        /// Wired.
        wire_count: i32,
        /// Filled with zeros.
        zero_fill_count: i32,
        /// Taken back from the inactive queue.
        reactivations: i32,
        /// Asked of pagers.
        pageins: i32,
        /// Sent to pagers.
        pageouts: i32,
        /// Faults.
        faults: i32,
        /// Copied on write.
        cow_faults: i32,
        /// Lookups of cached objects.
        lookups: i32,
        /// Lookups that found one.
        hits: i32,
    }
}

plain! {
    /// `vm_cache_statistics`.
    VmCacheStatistics {
        /// Objects in the cache.
        cache_object_count: i32,
        /// Pages of cached objects.
        cache_count: i32,
        /// Active pages of temporary objects.
        active_tmp_count: i32,
        /// Inactive ones.
        inactive_tmp_count: i32,
        /// Active pages of permanent objects.
        active_perm_count: i32,
        /// Inactive ones.
        inactive_perm_count: i32,
        /// Dirty pages.
        dirty_count: i32,
        /// Pages on their way out.
        laundry_count: i32,
        /// Pages being written.
        writeback_count: i32,
        /// Pages of the kernel's own.
        slab_count: i32,
        /// Those it could give back.
        slab_reclaim_count: i32,
    }
}
