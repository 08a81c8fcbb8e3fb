//! Turns a table into modules, structures and rows.
//!
//! Owns the macros; the folder's module calls `define` once a subsystem, which
//! calls the table with `define_rows`. So does who has a subsystem of its own: a
//! server's interface is a table like those of the kernel.

/// A module `$name` from the table `$table`.
macro_rules! define {
    ($name:ident: $table:ident) => {
        #[doc = concat!("The routines of the subsystem `", stringify!($name), "`, a module each.")]
        pub mod $name {
            use crate::define_rows;
            crate::$table!(define_rows);
        }
    };
}
pub(super) use define;

/// The modules of a table's rows, and the table itself as `SUBSYSTEM`: what a table
/// is called with.
///
/// ```
/// mod mine {
///     abi::define_rows! {
///         subsystem mine 7000;
///         0 mine_double server: CopySend (number: u32) -> (twice: u32);
///     }
/// }
/// assert_eq!(mine::mine_double::ID, 7000);
/// assert_eq!(mine::SUBSYSTEM.routines[0].reply_bytes(), Some((40, 40)));
/// ```
#[macro_export]
macro_rules! define_rows {
    (subsystem $subsystem:ident $base:literal;
     $($id:literal $routine:ident $target:ident: $sent:ident
        $(<$request_life:lifetime>)? ($($request:tt)*)
        $(-> $(<$reply_life:lifetime>)? ($($reply:tt)*))?;)*) => {
        $(
            #[doc = concat!("`", stringify!($routine), "`, ", stringify!($id), " of the subsystem.")]
            pub mod $routine {
                use $crate::routine::types::*;

                /// The id of the request.
                pub const ID: i32 = $base + $id;

                $crate::define_body!(Request REQUEST_FIELDS "is given", $routine [$($request_life)?] $($request)*);
                $($crate::define_body!(Reply REPLY_FIELDS "gives", $routine [$($reply_life)?] $($reply)*);)?

                /// The row of the table.
                pub static ROUTINE: Routine = Routine {
                    name: stringify!($routine),
                    id: ID,
                    target: stringify!($target),
                    target_sent: TypeName(<$sent as Element>::NAME),
                    request: REQUEST_FIELDS,
                    reply: $crate::define_reply_fields!($(($($reply)*))?),
                };
            }
        )*

        /// The table.
        pub static SUBSYSTEM: $crate::routine::Subsystem = $crate::routine::Subsystem {
            name: stringify!($subsystem),
            base: $base,
            routines: &[$(&$routine::ROUTINE),*],
        };
    };
}

/// Part of [`define_rows!`].
#[doc(hidden)]
#[macro_export]
macro_rules! define_reply_fields {
    () => {
        None
    };
    (($($reply:tt)*)) => {
        Some(REPLY_FIELDS)
    };
}

/// A structure of arguments, its fields' shapes, and its `Body`: part of
/// [`define_rows!`].
#[doc(hidden)]
#[macro_export]
macro_rules! define_body {
    ($name:ident $fields:ident $verb:literal, $routine:ident [] $($field:ident: $type:ty),*) => {
        #[doc = concat!("What `", stringify!($routine), "` ", $verb, ".")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $(#[doc = concat!("Argument `", stringify!($field), "`.")] pub $field: $type,)*
        }
        const $fields: &[Field] = <$name as Body<'static>>::FIELDS;
        $crate::define_body!(@rest $name $fields ('m) ($name) $($field: $type),*);
    };
    ($name:ident $fields:ident $verb:literal, $routine:ident [$life:lifetime] $($field:ident: $type:ty),*) => {
        #[doc = concat!("What `", stringify!($routine), "` ", $verb, ".")]
        #[derive(Clone, Copy, Debug)]
        pub struct $name<$life> {
            $(#[doc = concat!("Argument `", stringify!($field), "`.")] pub $field: $type,)*
        }
        const $fields: &[Field] = <$name<'static> as Body<'static>>::FIELDS;
        $crate::define_body!(@rest $name $fields ($life) ($name<$life>) $($field: $type),*);
    };
    (@rest $name:ident $fields:ident ($life:lifetime) ($self:ty) $($field:ident: $type:ty),*) => {
        impl<$life> Body<$life> for $self {
            const ROUTINE: &'static Routine = &ROUTINE;
            const FIELDS: &'static [Field] = &[
                $(Field { name: stringify!($field), shape: <$type as Argument<$life>>::SHAPE },)*
            ];
            fn put(&self, to: &mut Writer<'_>) -> Result<(), EncodeError> {
                $(self.$field.put(to)?;)*
                let _ = to;
                Ok(())
            }
            fn take(from: &mut Reader<$life>) -> Result<Self, BadArguments> {
                $(let $field = Argument::take(from)?;)*
                let _ = from;
                Ok(Self { $($field),* })
            }
        }
        $crate::define_body!(@kind $name ($life) ($self));
    };
    (@kind Request ($life:lifetime) ($self:ty)) => {
        impl<$life> RequestBody<$life> for $self {}
    };
    (@kind Reply ($life:lifetime) ($self:ty)) => {
        impl<$life> ReplyBody<$life> for $self {}
    };
}
