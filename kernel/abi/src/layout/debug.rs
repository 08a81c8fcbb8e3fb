//! What the `mach_debug` subsystem tells of the kernel's insides.
//!
//! Pure values, for anyone. Sources: `mach_debug/*.h`.

use super::plain;

/// `VOI_STATE_PAGER_CREATED`.
pub const VOI_STATE_PAGER_CREATED: u32 = 0x1;
/// `VOI_STATE_PAGER_INITIALIZED`.
pub const VOI_STATE_PAGER_INITIALIZED: u32 = 0x2;
/// `VOI_STATE_PAGER_READY`.
pub const VOI_STATE_PAGER_READY: u32 = 0x4;
/// `VOI_STATE_CAN_PERSIST`.
pub const VOI_STATE_CAN_PERSIST: u32 = 0x8;
/// `VOI_STATE_INTERNAL`.
pub const VOI_STATE_INTERNAL: u32 = 0x10;
/// `VOI_STATE_TEMPORARY`.
pub const VOI_STATE_TEMPORARY: u32 = 0x20;
/// `VOI_STATE_ALIVE`.
pub const VOI_STATE_ALIVE: u32 = 0x40;
/// `VOI_STATE_LOCK_IN_PROGRESS`.
pub const VOI_STATE_LOCK_IN_PROGRESS: u32 = 0x80;
/// `VOI_STATE_LOCK_RESTART`.
pub const VOI_STATE_LOCK_RESTART: u32 = 0x100;
/// `VPI_STATE_BUSY`.
pub const VPI_STATE_BUSY: u32 = 0x1;
/// `VPI_STATE_WANTED`.
pub const VPI_STATE_WANTED: u32 = 0x2;
/// `VPI_STATE_TABLED`.
pub const VPI_STATE_TABLED: u32 = 0x4;
/// `VPI_STATE_FICTITIOUS`.
pub const VPI_STATE_FICTITIOUS: u32 = 0x8;
/// `VPI_STATE_PRIVATE`.
pub const VPI_STATE_PRIVATE: u32 = 0x10;
/// `VPI_STATE_ABSENT`.
pub const VPI_STATE_ABSENT: u32 = 0x20;
/// `VPI_STATE_ERROR`.
pub const VPI_STATE_ERROR: u32 = 0x40;
/// `VPI_STATE_DIRTY`.
pub const VPI_STATE_DIRTY: u32 = 0x80;
/// `VPI_STATE_PRECIOUS`.
pub const VPI_STATE_PRECIOUS: u32 = 0x100;
/// `VPI_STATE_OVERWRITING`.
pub const VPI_STATE_OVERWRITING: u32 = 0x200;
/// `VPI_STATE_INACTIVE`.
pub const VPI_STATE_INACTIVE: u32 = 0x400;
/// `VPI_STATE_ACTIVE`.
pub const VPI_STATE_ACTIVE: u32 = 0x800;
/// `VPI_STATE_LAUNDRY`.
pub const VPI_STATE_LAUNDRY: u32 = 0x1000;
/// `VPI_STATE_FREE`.
pub const VPI_STATE_FREE: u32 = 0x2000;
/// `VPI_STATE_REFERENCE`.
pub const VPI_STATE_REFERENCE: u32 = 0x4000;
/// `VPI_STATE_PAGER`.
pub const VPI_STATE_PAGER: u32 = 0x8000_0000;

plain! {
    /// `hash_info_bucket_t`.
    HashInfoBucket {
        /// Entries in the bucket.
        count: u32,
    }
}

plain! {
    /// `cache_info_t`: a slab cache.
    CacheInfo {
        /// Of the cache.
        flags: i32,
        /// Objects a processor may keep.
        cpu_pool_size: u32,
        /// Bytes of an object.
        obj_size: u32,
        /// Its alignment.
        align: u32,
        /// Bytes of an object with what surrounds it.
        buf_size: u32,
        /// Bytes of a slab.
        slab_size: u32,
        /// Objects in one.
        bufs_per_slab: u32,
        /// Objects in use.
        nr_objs: u32,
        /// Objects there are.
        nr_bufs: u32,
        /// Slabs there are.
        nr_slabs: u32,
        /// Slabs without an object in use.
        nr_free_slabs: u32,
        /// Ended by zero.
        name: [u8; 32],
    }
}

plain! {
    /// `vm_region_info_t`: an entry of a VM map.
    VmRegionInfo {
        /// First address.
        start: u32,
        /// First address beyond it.
        end: u32,
        /// Current.
        protection: i32,
        /// Maximum.
        max_protection: i32,
        /// At `task_create`.
        inheritance: i32,
        /// Times wired.
        wired_count: u32,
        /// Times wired by users.
        user_wired_count: u32,
        /// The memory object's address.
        object: u32,
        /// Into the object.
        offset: u32,
        /// Whether to copy on write.
        needs_copy: i32,
        /// Count of sharing maps.
        sharing: u32,
    }
}

plain! {
    /// `vm_object_info_t`: a memory object.
    VmObjectInfo {
        /// Its address.
        object: u32,
        /// Bytes of a page.
        pagesize: u32,
        /// Bytes of it.
        size: u32,
        /// References.
        ref_count: u32,
        /// Pages in memory.
        resident_page_count: u32,
        /// Pages asked for.
        absent_count: u32,
        /// The copy object's address.
        copy: u32,
        /// The shadow's address.
        shadow: u32,
        /// Into the shadow.
        shadow_offset: u32,
        /// Into the pager's object.
        paging_offset: u32,
        /// One of `MEMORY_OBJECT_COPY_*`.
        copy_strategy: i32,
        /// Offset of the last page.
        last_alloc: u32,
        /// Pager calls under way.
        paging_in_progress: u32,
        /// Of `VOI_STATE_*`.
        state: u32,
    }
}

plain! {
    /// `vm_page_info_t`: a page of a memory object.
    VmPageInfo {
        /// Into the object.
        offset: u32,
        /// Of its frame.
        phys_addr: u32,
        /// Times wired.
        wire_count: u32,
        /// What the pager forbids.
        page_lock: i32,
        /// What has been asked of it.
        unlock_request: i32,
        /// Of `VPI_STATE_*`.
        state: u32,
    }
}

plain! {
    /// `vm_page_phys_info_t`: the same with a wide address.
    VmPagePhysInfo {
        /// Into the object.
        offset: u32,
        /// Of its frame.
        phys_addr: u64,
        /// Times wired.
        wire_count: u32,
        /// What the pager forbids.
        page_lock: i32,
        /// What has been asked of it.
        unlock_request: i32,
        /// Of `VPI_STATE_*`.
        state: u32,
    }
}
