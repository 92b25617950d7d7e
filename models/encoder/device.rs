//! On which device an encoder runs, and why.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which devices are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Wanted {
    /// Graphics processors where there are any, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// Graphics processors by their numbers.
    Cuda(Vec<usize>),
}

/// Where a model runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// On the CPU.
    Cpu,
    /// On graphics processors by their numbers.
    Cuda(Vec<usize>),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Wanted, String> {
        match text {
            "auto" => return Ok(Wanted::Auto),
            "cpu" => return Ok(Wanted::Cpu),
            "cuda" => return Ok(Wanted::Cuda(vec![0])),
            _ => {}
        }
        let numbers = text.strip_prefix("cuda:").and_then(|numbers| {
            numbers.split(',').map(|number| number.trim().parse().ok()).collect::<Option<Vec<usize>>>()
        });
        numbers.map(Wanted::Cuda).ok_or_else(|| format!("`{text}` is no device: write auto, cpu, or cuda:0,1"))
    }
}

impl TryFrom<String> for Wanted {
    type Error = String;

    fn try_from(text: String) -> Result<Wanted, String> {
        text.parse()
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wanted::Auto => f.write_str("auto"),
            Wanted::Cpu => f.write_str("cpu"),
            Wanted::Cuda(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(usize::to_string).collect();
                write!(f, "cuda:{}", numbers.join(","))
            }
        }
    }
}

impl From<Wanted> for String {
    fn from(wanted: Wanted) -> String {
        wanted.to_string()
    }
}

impl Wanted {
    /// Looks for the devices: where the model runs, and a line that says what was found and why.
    pub fn find(&self) -> Result<(Found, String), String> {
        match self {
            Wanted::Cpu => Ok((Found::Cpu, "cpu, as asked for".to_owned())),
            Wanted::Auto => Ok(match probe() {
                Ok(found) => {
                    let numbers = (0..found.len()).collect();
                    (Found::Cuda(numbers), format!("cuda: found {}", found.join(", ")))
                }
                Err(why) => (Found::Cpu, format!("cpu, as {why}")),
            }),
            Wanted::Cuda(numbers) => {
                let found = probe()?;
                match numbers.iter().find(|&&number| number >= found.len()) {
                    Some(number) => Err(format!("there is no device {number}; there are {}", found.join(", "))),
                    None => {
                        let names: Vec<&str> = numbers.iter().map(|&number| found[number].as_str()).collect();
                        Ok((Found::Cuda(numbers.clone()), format!("cuda: {}", names.join(", "))))
                    }
                }
            }
        }
    }
}

/// The graphics processors, each with its number, name and memory; or why there are none.
#[cfg(feature = "cuda")]
fn probe() -> Result<Vec<String>, String> {
    super::cuda::probe()
}

/// The graphics processors, each with its number, name and memory; or why there are none.
#[cfg(not(feature = "cuda"))]
fn probe() -> Result<Vec<String>, String> {
    Err("this program was built without CUDA (cargo feature `cuda`)".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_written() {
        for text in ["auto", "cpu", "cuda:0", "cuda:0,1"] {
            assert_eq!(text.parse::<Wanted>().unwrap().to_string(), text);
        }
        assert_eq!("cuda".parse(), Ok(Wanted::Cuda(vec![0])));
        for text in ["", "gpu", "cuda:", "cuda:x", "CPU"] {
            assert!(text.parse::<Wanted>().unwrap_err().contains("is no device"), "{text}");
        }
    }

    #[test]
    fn the_cpu_is_always_there_and_what_is_missing_is_told() {
        assert_eq!(Wanted::Cpu.find().unwrap().0, Found::Cpu);
        if let (Found::Cpu, why) = Wanted::Auto.find().unwrap() {
            assert!(why.starts_with("cpu, as "), "{why}");
            assert!(why.contains(&Wanted::Cuda(vec![0]).find().unwrap_err()));
        }
    }
}
