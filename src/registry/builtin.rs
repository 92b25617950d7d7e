//! The steps that come with wanjuan.

use super::Registry;
use crate::stage;

impl Registry {
    /// Every step that comes with wanjuan.
    pub fn builtin() -> Registry {
        Registry::empty().with::<stage::ExactDuplicates>()
    }
}
