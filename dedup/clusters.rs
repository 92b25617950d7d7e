//! Connected components of any number of links, within a fixed memory.
