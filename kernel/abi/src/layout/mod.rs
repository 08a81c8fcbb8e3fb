//! What info, state and statistics look like: structures as runs of words.
//!
//! Owns the macro that declares one, and a module a subsystem. Every structure
//! here travels as its fields in order, without padding: on an i386 no field is
//! aligned to more than a word.

pub mod debug;
pub mod host;
pub mod task;
pub mod thread;
pub mod time;
pub mod vm;

/// A value of whole words with a fixed layout.
pub trait Plain: Copy {
    /// Its size; a multiple of 4 for structures.
    const BYTES: usize;
    /// Writes it to the first [`BYTES`](Self::BYTES) of `out`, as far as they go.
    fn write(&self, out: &mut [u8]);
    /// Reads it from `bytes`; what is missing is zero.
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl Plain for $integer {
            const BYTES: usize = size_of::<Self>();
            #[inline]
            fn write(&self, out: &mut [u8]) {
                let bytes = self.to_le_bytes();
                match out.first_chunk_mut() {
                    Some(place) => *place = bytes,
                    None => out.copy_from_slice(&bytes[..out.len()]),
                }
            }
            #[inline]
            fn read(bytes: &[u8]) -> Self {
                match bytes.first_chunk() {
                    Some(value) => Self::from_le_bytes(*value),
                    None => {
                        let mut value = [0; size_of::<Self>()];
                        value[..bytes.len()].copy_from_slice(bytes);
                        Self::from_le_bytes(value)
                    }
                }
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i32, i64);

impl<T: Plain + Default, const N: usize> Plain for [T; N] {
    const BYTES: usize = T::BYTES * N;
    fn write(&self, out: &mut [u8]) {
        for (item, place) in self.iter().zip(out.chunks_mut(T::BYTES)) {
            item.write(place);
        }
    }
    fn read(bytes: &[u8]) -> Self {
        let mut value = [T::default(); N];
        for (item, place) in value.iter_mut().zip(bytes.chunks(T::BYTES)) {
            *item = T::read(place);
        }
        value
    }
}

/// Declares a structure of [`Plain`] fields, itself plain, sent as integers.
macro_rules! plain {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct $name {
            $($(#[$inner])* pub $field: $type,)*
        }

        impl $name {
            /// Its size in words: what Mach's `_COUNT` constants say.
            #[expect(clippy::cast_possible_truncation, reason = "some dozen words")]
            pub const COUNT: u32 = (<Self as $crate::layout::Plain>::BYTES / 4) as u32;

            /// Name and size in bytes of each field, in order.
            pub const FIELDS: &'static [(&'static str, usize)] = &[
                $((stringify!($field), <$type as $crate::layout::Plain>::BYTES)),*
            ];
        }

        impl $crate::layout::Plain for $name {
            const BYTES: usize = 0 $(+ <$type as $crate::layout::Plain>::BYTES)*;
            fn write(&self, out: &mut [u8]) {
                let mut rest = out;
                $(
                    self.$field.write(rest);
                    let size = <$type as $crate::layout::Plain>::BYTES.min(rest.len());
                    rest = rest.split_at_mut(size).1;
                )*
                let _ = rest;
            }
            fn read(bytes: &[u8]) -> Self {
                let mut rest = bytes;
                $(
                    let $field = <$type as $crate::layout::Plain>::read(rest);
                    let size = <$type as $crate::layout::Plain>::BYTES.min(rest.len());
                    rest = rest.split_at(size).1;
                )*
                let _ = rest;
                Self { $($field),* }
            }
        }

        impl $crate::wire::Element for $name {
            const NAME: u8 = $crate::message::TypeName::INTEGER_32.0;
            const BITS: u16 = 32;
            const NUMBER: u32 = Self::COUNT;
        }
    };
}
pub(crate) use plain;
