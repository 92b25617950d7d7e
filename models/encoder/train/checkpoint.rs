//! What a training that was cut short goes on from: weights, moments, and how many steps are done.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use super::adamw::AdamW;
use super::model::Parameter;
use super::written::tensors;
use crate::encoder::weights::Weights;

/// The sum of what a training depends on. Numbers go in as bytes that do not depend on the machine.
pub struct Sum(Sha256);

impl Sum {
    /// Of this version of the training.
    pub fn new() -> Sum {
        Sum(Sha256::new_with_prefix(b"wanjuan encoder, all weights, 1\0"))
    }

    /// Adds some bytes, and where they end.
    pub fn add(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds numbers.
    pub fn add_numbers(&mut self, numbers: impl Iterator<Item = u32>) {
        self.add(numbers.flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    }

    /// In hexadecimal digits.
    pub fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn failed(path: &Path) -> impl Fn(String) -> String + '_ {
    move |what| format!("{}: {what}", path.display())
}

/// Writes one, in the place of the last: whatever happens, one of the two is there and whole.
pub fn write(path: &Path, parameters: &[Parameter], adamw: &AdamW, step: usize, sum: &str) -> Result<(), String> {
    let kinds: [(&str, Vec<&[f32]>); 3] = [
        ("value", parameters.iter().map(|parameter| &parameter.values[..]).collect()),
        ("first", adamw.first.iter().map(Vec::as_slice).collect()),
        ("second", adamw.second.iter().map(Vec::as_slice).collect()),
    ];
    let named = kinds.iter().flat_map(|(kind, all)| {
        let name = move |parameter: &Parameter| format!("{kind}.{}", parameter.name);
        parameters.iter().zip(all).map(move |(parameter, values)| (name(parameter), &parameter.shape[..], *values))
    });
    let metadata = [("step", step.to_string()), ("sum", sum.to_owned())];
    let bytes = tensors(named, metadata.map(|(key, value)| (key.to_owned(), value)).into())?;
    let whole = || -> io::Result<()> {
        let new = path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    whole().map_err(|error| failed(path)(error.to_string()))
}

/// Reads one, if there is one: how many steps are done. One of another training is refused, for it may be worth more
/// than the time to read this message.
pub fn read(path: &Path, parameters: &mut [Parameter], adamw: &mut AdamW, sum: &str) -> Result<usize, String> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(failed(path)(error.to_string())),
    };
    let metadata: HashMap<String, String> = SafeTensors::read_metadata(&bytes)
        .map_err(|error| failed(path)(format!("no training can go on from it ({error}); delete it to begin anew")))?
        .1
        .metadata()
        .clone()
        .unwrap_or_default();
    let step = metadata.get("step").and_then(|step| step.parse().ok());
    let (Some(step), Some(found)) = (step, metadata.get("sum")) else {
        return Err(failed(path)("it is no file of this program; move it away".to_owned()));
    };
    if found != sum {
        return Err(failed(path)(
            "a training with other texts, settings or weights to begin with stopped here; repeat its command to go on, \
             or delete the file to begin anew"
                .to_owned(),
        ));
    }
    let known = format!("value.{}", parameters[0].name);
    let weights = Weights::read(&bytes, &[], &known).map_err(failed(path))?;
    for (at, parameter) in parameters.iter_mut().enumerate() {
        let get =
            |kind: &str| weights.get(&format!("{kind}.{}", parameter.name), &parameter.shape).map_err(failed(path));
        let (value, first, second) = (get("value")?, get("first")?, get("second")?);
        (parameter.values, adamw.first[at], adamw.second[at]) = (value, first, second);
    }
    Ok(step)
}
