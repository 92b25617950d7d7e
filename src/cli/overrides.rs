//! What the command line says over the pipeline file.

use clap::Args;
use wanjuan_models::encoder::Wanted;

/// Over the settings of the file.
#[derive(Args)]
pub struct Overrides {
    /// Override a setting: pipeline.seed=7, or the name of a step, a dot, its setting
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Where encoders run, whatever the file says: auto, cpu, cuda:0,1
    #[arg(long, value_name = "DEVICE")]
    device: Option<Wanted>,
}

impl Overrides {
    /// As settings, what was said last behind the others.
    pub fn sets(&self) -> Vec<String> {
        let device = self.device.as_ref().map(|device| format!("use:encoder.device={device}"));
        self.sets.iter().cloned().chain(device).collect()
    }
}
