//! Changing the attributes of ranges: protection, inheritance, wiring.
//!
//! All of a range is checked before any of it changes; then it is cut out,
//! changed, and coalesced again.

use super::{Attributes, CopyFlags, Inheritance, Keeper, Map, MapError, Protection, Range};

/// Which protection `vm_protect` sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// What is permitted now.
    Current,
    /// What may be permitted; what is permitted now follows it down.
    Maximum,
}

impl<B> Map<B> {
    /// Sets the current or the maximum protection of what is allocated in the
    /// range (`vm_protect`, manual 5.4; holes are passed over, as seen).
    ///
    /// # Errors
    /// `InvalidAddress` outside of the bounds, `ProtectionFailure` beyond a
    /// region's maximum, `ResourceShortage`.
    pub fn protect(
        &mut self,
        range: Range,
        limit: Limit,
        protection: Protection,
        keeper: &mut impl Keeper<B>,
    ) -> Result<(), MapError> {
        self.check_there(range, |attributes| {
            match attributes.max_protection.contains(protection) {
                true => Ok(()),
                false => Err(MapError::ProtectionFailure),
            }
        })?;
        self.update(range, keeper, |attributes| match limit {
            Limit::Current => attributes.protection = protection,
            Limit::Maximum => {
                attributes.max_protection = protection;
                attributes.protection = attributes.protection & protection;
            }
        })
    }

    /// Sets what child tasks get of what is allocated in the range
    /// (`vm_inherit`, manual 5.4; holes are passed over, as seen).
    ///
    /// # Errors
    /// `InvalidAddress` outside of the bounds, `ResourceShortage`.
    pub fn inherit(
        &mut self,
        range: Range,
        inheritance: Inheritance,
        keeper: &mut impl Keeper<B>,
    ) -> Result<(), MapError> {
        self.check_there(range, |_| Ok(()))?;
        self.update(range, keeper, |attributes| {
            attributes.inheritance = inheritance;
        })
    }

    /// Sets the accesses that must not fault, none to undo it; it does not
    /// stack (`vm_wire`, manual 5.4).
    ///
    /// # Errors
    /// `NoSpace` where not all is allocated with such a protection,
    /// `ResourceShortage`.
    pub fn wire(
        &mut self,
        range: Range,
        access: Protection,
        keeper: &mut impl Keeper<B>,
    ) -> Result<(), MapError> {
        self.check(range, MapError::NoSpace, |attributes| {
            match attributes.protection.contains(access) {
                true => Ok(()),
                false => Err(MapError::NoSpace),
            }
        })?;
        self.update(range, keeper, |attributes| attributes.wired = access)
    }

    /// Wires the range once more for the kernel itself.
    ///
    /// # Errors
    /// `InvalidAddress` where not all is allocated, `ResourceShortage` also
    /// where it is wired 65,535 times.
    pub fn hold(&mut self, range: Range, keeper: &mut impl Keeper<B>) -> Result<(), MapError> {
        self.check(
            range,
            MapError::InvalidAddress,
            |attributes| match attributes.holds.checked_add(1) {
                Some(_) => Ok(()),
                None => Err(MapError::ResourceShortage),
            },
        )?;
        self.update(range, keeper, |attributes| attributes.holds += 1)
    }

    /// Undoes one [`Map::hold`].
    ///
    /// # Errors
    /// `InvalidAddress` where not all is allocated, `InvalidArgument` where it
    /// is not held, `ResourceShortage` if it was held as part of more.
    pub fn unhold(&mut self, range: Range, keeper: &mut impl Keeper<B>) -> Result<(), MapError> {
        self.check(
            range,
            MapError::InvalidAddress,
            |attributes| match attributes.holds {
                0 => Err(MapError::InvalidArgument),
                _ => Ok(()),
            },
        )?;
        self.update(range, keeper, |attributes| attributes.holds -= 1)
    }

    /// Says of all pages in the range how they relate to others, as when they
    /// are copied or shared.
    ///
    /// # Errors
    /// `InvalidAddress` where not all is allocated, `ResourceShortage`.
    pub fn mark(
        &mut self,
        range: Range,
        flags: CopyFlags,
        keeper: &mut impl Keeper<B>,
    ) -> Result<(), MapError> {
        self.check(range, MapError::InvalidAddress, |_| Ok(()))?;
        self.update(range, keeper, |attributes| {
            attributes.needs_copy = flags == CopyFlags::NeedsCopy;
            attributes.is_shared = flags == CopyFlags::Shared;
        })
    }

    /// Whether all regions of the range pass, and are there; `absent` if not.
    fn check(
        &self,
        range: Range,
        absent: MapError,
        accept: impl Fn(&Attributes) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        if !self.is_allocated(range) {
            return Err(absent);
        }
        self.check_there(range, accept)
    }

    /// Whether those regions pass of which a part lies in the range.
    fn check_there(
        &self,
        range: Range,
        accept: impl Fn(&Attributes) -> Result<(), MapError>,
    ) -> Result<(), MapError> {
        let bounds = self.bounds();
        if range.start < bounds.start || range.end > bounds.end {
            return Err(MapError::InvalidAddress);
        }
        self.entries(range)
            .try_for_each(|entry| accept(&entry.attributes))
    }

    fn update(
        &mut self,
        range: Range,
        keeper: &mut impl Keeper<B>,
        change: impl Fn(&mut Attributes),
    ) -> Result<(), MapError> {
        self.clip(range, keeper)?;
        let mut from = range.start;
        loop {
            let next = self
                .entries(Range {
                    start: from,
                    ..range
                })
                .next();
            let Some(Range { start, end }) = next.map(|entry| entry.range) else {
                break;
            };
            self.tree
                .change(start, |entry| change(&mut entry.attributes));
            from = end;
        }
        self.coalesce(range, keeper);
        Ok(())
    }
}
