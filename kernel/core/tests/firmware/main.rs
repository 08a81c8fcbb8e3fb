//! Firmware tables of recorded machines, and what broken ones make of them.

mod recording;
#[macro_use]
mod machines;

mod acpi;
mod acpi_power;
mod mp_table;
mod topology;
