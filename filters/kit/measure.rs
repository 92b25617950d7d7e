//! Measures: the named numbers a filter computes on the way to its verdict.

/// What is known of a measure before any document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeasureInfo {
    /// As in the column `step.name` of `measures/`.
    pub name: &'static str,
    /// Its first line of documentation, unit included. That of a share begins so: "Share of …".
    pub about: &'static str,
}

impl MeasureInfo {
    /// Whether it lies between 0 and 1.
    pub fn is_share(&self) -> bool {
        self.about.starts_with("Share of ")
    }
}

/// A set of named numbers. Written by [`measures!`](crate::measures), seldom by hand.
pub trait Measures: Sized {
    /// Every measure, in the order of its slots.
    const INFO: &'static [MeasureInfo];

    /// Puts the numbers into `slots`, in the order of `INFO`; NaN where there is none.
    fn store(&self, slots: &mut [f64]);

    /// The inverse of [`store`](Measures::store): stored measures can be judged again.
    fn load(slots: &[f64]) -> Self;
}

/// Whether there is a measure, and it is above its bound.
pub fn above(measure: Option<f64>, max: f64) -> bool {
    measure.is_some_and(|measure| measure > max)
}

/// Whether there is a measure, and it is below its bound.
pub fn below(measure: Option<f64>, min: f64) -> bool {
    measure.is_some_and(|measure| measure < min)
}

/// What share of a whole a part is, unless there is nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// For steps that measure nothing.
impl Measures for () {
    const INFO: &'static [MeasureInfo] = &[];
    fn store(&self, _: &mut [f64]) {}
    fn load(_: &[f64]) {}
}

/// Declares a struct of measures, each an `Option<f64>` with its documentation.
///
/// ```
/// wanjuan_filters::measures! {
///     /// What is counted.
///     pub struct Measure {
///         /// Mean length of a word, in characters.
///         mean_word_length,
///     }
/// }
/// use wanjuan_filters::kit::Measures;
/// assert_eq!(Measure::INFO[0].name, "mean_word_length");
/// assert_eq!(Measure::INFO[0].about, "Mean length of a word, in characters.");
/// ```
#[macro_export]
macro_rules! measures {
    ($(#[$meta:meta])* $vis:vis struct $struct:ident { $(#[doc = $about:expr] $(#[doc = $more:expr])* $name:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, Default, PartialEq)]
        $vis struct $struct {
            $(#[doc = $about] $(#[doc = $more])* pub $name: Option<f64>,)*
        }

        impl $crate::kit::Measures for $struct {
            const INFO: &'static [$crate::kit::MeasureInfo] = &[
                $($crate::kit::MeasureInfo { name: stringify!($name), about: $about.trim_ascii() },)*
            ];

            fn store(&self, slots: &mut [f64]) {
                let mut slots = slots.iter_mut();
                $(*slots.next().expect("one slot for each measure") = self.$name.unwrap_or(f64::NAN);)*
            }

            fn load(slots: &[f64]) -> Self {
                let mut slots = slots.iter().map(|slot| (!slot.is_nan()).then_some(*slot));
                $struct { $($name: slots.next().expect("one slot for each measure"),)* }
            }
        }
    };
}
