//! Declares named numbers: a newtype whose values have Mach's names.
//!
//! Owns the macro only; the other modules call it.

/// Declares a newtype over an integer with its named values, and `name()`.
macro_rules! named {
    (
        $(#[$outer:meta])*
        $type:ident: $integer:ty;
        $($(#[$inner:meta])* $constant:ident = $value:expr, $text:literal;)*
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $type(pub $integer);

        impl $type {
            $($(#[$inner])* #[doc = concat!("`", $text, "`.")] pub const $constant: Self = Self($value);)*

            /// Every named value, in the order of the header.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// The name in Mach's headers; `None` for a number without one.
            /// Where a value has two names, the first.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                let names = [$((Self::$constant, $text)),*];
                names.iter().find(|(value, _)| *value == self).map(|(_, name)| *name)
            }
        }
    };
}
pub(crate) use named;
