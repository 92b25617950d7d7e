//! Trains all weights of an encoder with its head, from a file or from nothing.
//!
//! As BERT is fine-tuned (arXiv:1810.04805, sec. 4.1 and A.3): AdamW, a rate that rises and then falls in a line, some
//! epochs over shuffled batches; gradients are cut to a length (Pascanu et al., arXiv:1211.5063, alg. 1). There is no
//! dropout. A batch is learned from in parts, side by side, whose gradients are added in their order: how the batch
//! is cut depends on its lengths and the model alone, so the weights do not depend on the number of threads. On the CPU,
//! the same texts, settings and seed give the same bytes on machines whose processors have the same instructions.

use std::path::Path;

use candle_core::{DType, Device};

use super::adamw::{AdamW, Step, length};
use super::checkpoint::{self, Sum};
use super::model::{Gradient, Model};
use super::order::{batches, parts};
use super::written::{Written, config, weights};
use crate::encoder::shape::{Problem, Shape};
use crate::encoder::tensors::Place;
use crate::encoder::{Found, opened};

/// A text that is learned.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    /// Its tokens with the special ones: at least one, and no more than the model reads.
    pub ids: &'a [u32],
    /// The number of its label; or the number that it is to be given.
    pub target: f64,
}

/// How weights are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How often every text is read.
    pub epochs: usize,
    /// Texts that are learned from together.
    pub batch: usize,
    /// The highest rate of learning.
    pub rate: f64,
    /// The share of steps in which the rate rises; in the rest it falls to zero.
    pub warm_up: f64,
    /// How much of a weight decays in a step, for each unit of the rate.
    pub decay: f64,
    /// Longer gradients are cut to this length.
    pub clip: f64,
    /// The only source of chance.
    pub seed: u64,
}

impl Settings {
    /// Whether they can be.
    pub fn check(&self) -> Result<(), String> {
        let above = |x: f64| x.is_finite() && x > 0.0;
        if self.epochs == 0 || self.batch == 0 {
            return Err("there is at least one epoch, and one text in a batch".to_owned());
        }
        if !above(self.rate) || !above(self.clip) {
            return Err("the rate, and the length gradients are cut to, are numbers above 0".to_owned());
        }
        if !(0.0..1.0).contains(&self.warm_up) || !(0.0..1.0).contains(&(self.decay * self.rate)) {
            return Err("the warm-up is a share of the steps, as 0.1, and decay times rate one of a weight".to_owned());
        }
        Ok(())
    }

    /// The rate of a step, counted from zero.
    fn rate_at(&self, step: usize, steps: usize) -> f64 {
        let rising = (self.warm_up * steps as f64).ceil() as usize;
        let share = match step < rising {
            true => (step + 1) as f64 / rising as f64,
            false => (steps - step) as f64 / (steps - rising) as f64,
        };
        self.rate * share
    }
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Steps that are done.
    pub step: usize,
    /// Of so many.
    pub steps: usize,
    /// The epoch of the last step, from one.
    pub epoch: usize,
    /// The mean loss of its batch, before it.
    pub loss: f64,
    /// Its rate.
    pub rate: f64,
    /// Tokens of its batch.
    pub tokens: usize,
}

/// What whoever sees the progress wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The next step.
    GoOn,
    /// The next step, once a checkpoint is written.
    Save,
    /// A checkpoint, and no further step.
    Stop,
}

/// Numbers that may lie between the layers for one part of a batch: a gigabyte.
const PART_NUMBERS: usize = 1 << 28;
/// Tokens of a part on the CPU. Products of more are no faster, and there are parts for several threads.
const PART_TOKENS: usize = 512;
/// On a graphics processor, which has many threads and needs much to do.
const PART_TOKENS_CUDA: usize = 1 << 14;

/// A training.
pub struct All {
    pub(super) model: Model,
    config: String,
    adamw: AdamW,
    settings: Settings,
    threads: usize,
}

impl All {
    /// Begins with the files of a model, or without `weights` with weights by chance. The first of several devices
    /// trains.
    pub fn new(
        body: &[u8],
        weights: Option<&[u8]>,
        (labels, problem): (&[String], Problem),
        device: &Found,
        settings: Settings,
        threads: usize,
    ) -> Result<All, String> {
        let place = Place { device: placed(device)?, kind: DType::F32 };
        All::at(body, weights, (labels, problem), place, settings, threads)
    }

    /// See [`new`](All::new).
    pub(super) fn at(
        body: &[u8],
        weights: Option<&[u8]>,
        (labels, problem): (&[String], Problem),
        place: Place,
        settings: Settings,
        threads: usize,
    ) -> Result<All, String> {
        settings.check()?;
        let before = Shape::from_json(body)?;
        let config = config(body, labels, problem)?;
        let shape = Shape::from_json(config.as_bytes())?;
        let keeps_labels = !before.linear && before.labels == shape.labels && before.problem == shape.problem;
        let file = weights.map(|bytes| opened(&shape, bytes)).transpose()?;
        let model = Model::read(&shape, file.as_ref(), keeps_labels, place, settings.seed)?;
        let adamw = AdamW::new(&model.parameters);
        Ok(All { model, config, adamw, settings, threads: threads.max(1) })
    }

    /// Learns some texts. `see` hears of every step. With a `checkpoint` it goes on from that file, if it is there, as if
    /// it had never stopped. Gives whether all steps are done.
    pub fn learn(
        &mut self,
        texts: &[Text<'_>],
        checkpoint: Option<&Path>,
        mut see: impl FnMut(&Progress) -> Answer,
    ) -> Result<bool, String> {
        if texts.is_empty() {
            return Err("there is no text to learn".to_owned());
        }
        let sum = checkpoint.map(|_| self.sum(texts)).unwrap_or_default();
        let mut done = 0;
        if let Some(path) = checkpoint {
            done = checkpoint::read(path, &mut self.model.parameters, &mut self.adamw, &sum)?;
            self.model.set()?;
        }
        let lengths: Vec<usize> = texts.iter().map(|text| text.ids.len()).collect();
        let of_epoch = texts.len().div_ceil(self.settings.batch);
        let steps = self.settings.epochs * of_epoch;
        let mut sums: Vec<Vec<f32>> =
            self.model.parameters.iter().map(|parameter| vec![0.0; parameter.values.len()]).collect();
        for epoch in done / of_epoch..self.settings.epochs {
            let batches = batches(&lengths, self.settings.batch, self.settings.seed, epoch);
            for batch in &batches[done - epoch * of_epoch..] {
                let batch: Vec<Text<'_>> = batch.iter().map(|&at| texts[at]).collect();
                let rate = self.settings.rate_at(done, steps);
                let loss = self.step(&batch, rate, done + 1, &mut sums)?;
                done += 1;
                let tokens = batch.iter().map(|text| text.ids.len()).sum();
                let answer = see(&Progress { step: done, steps, epoch: epoch + 1, loss, rate, tokens });
                if answer != Answer::GoOn && done < steps {
                    if let Some(path) = checkpoint {
                        checkpoint::write(path, &self.model.parameters, &self.adamw, done, &sum)?;
                    }
                    if answer == Answer::Stop {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// One step; its mean loss.
    fn step(&mut self, batch: &[Text<'_>], rate: f64, number: usize, sums: &mut [Vec<f32>]) -> Result<f64, String> {
        let (loss, length) = self.gradients(batch, sums)?;
        if !length.is_finite() {
            return Err(format!("gradients became no numbers in step {number}; a lower rate of learning may help"));
        }
        let scale = if length > self.settings.clip { self.settings.clip / length } else { 1.0 };
        let step = Step { number, rate, decay: self.settings.decay, scale };
        self.adamw.step(&mut self.model.parameters, sums, step, self.threads);
        self.model.set()?;
        Ok(loss)
    }

    /// The gradients of a batch, its mean loss, and how long the gradients are.
    pub(super) fn gradients(&self, batch: &[Text<'_>], sums: &mut [Vec<f32>]) -> Result<(f64, f64), String> {
        sums.iter_mut().for_each(|sums| sums.fill(0.0));
        let most_tokens = if self.model.device().is_cpu() { PART_TOKENS } else { PART_TOKENS_CUDA };
        let cost = |tokens: usize| self.model.cost(tokens).max(tokens * (PART_NUMBERS / most_tokens));
        let lengths: Vec<usize> = batch.iter().map(|text| text.ids.len()).collect();
        let parts = parts(&lengths, cost, PART_NUMBERS);
        let parts: Vec<&[Text<'_>]> = parts.into_iter().map(|range| &batch[range]).collect();
        let mut loss = 0.0;
        for some in parts.chunks(self.threads) {
            let gradient = |part: &[Text<'_>]| self.model.gradient(part, batch.len());
            let made: Vec<candle_core::Result<Gradient>> = match some {
                [one] => vec![gradient(one)],
                _ => std::thread::scope(|scope| {
                    let gradient = &gradient;
                    let threads: Vec<_> = some.iter().map(|&part| scope.spawn(move || gradient(part))).collect();
                    let joined =
                        |made: std::thread::Result<_>| made.unwrap_or_else(|why| std::panic::resume_unwind(why));
                    threads.into_iter().map(|thread| joined(thread.join())).collect()
                }),
            };
            for (made, part) in made.into_iter().zip(some) {
                let gradient = made.map_err(|error| format!("the device failed: {error}"))?;
                self.model.add(&gradient, part, sums);
                loss += gradient.loss;
            }
        }
        Ok((loss, length(sums, self.threads)))
    }

    /// The sum of what the result depends on.
    fn sum(&self, texts: &[Text<'_>]) -> String {
        let mut sum = Sum::new();
        sum.add(&self.config);
        sum.add(format!("{:?}", self.settings));
        for parameter in &self.model.parameters {
            sum.add(&parameter.name);
            sum.add_numbers(parameter.values.iter().map(|x| x.to_bits()));
        }
        for text in texts {
            sum.add_numbers(text.ids.iter().copied());
            sum.add(text.target.to_bits().to_le_bytes());
        }
        sum.finish()
    }

    /// The files of the model as it is.
    pub fn written(&self) -> Result<Written, String> {
        Ok(Written { config: self.config.clone(), weights: weights(&self.model.parameters)? })
    }
}

/// The device that trains.
fn placed(device: &Found) -> Result<Device, String> {
    match device {
        Found::Cpu => Ok(Device::Cpu),
        #[cfg(feature = "cuda")]
        Found::Cuda(numbers) => crate::encoder::cuda::device(numbers.first().copied().unwrap_or(0)),
        #[cfg(not(feature = "cuda"))]
        Found::Cuda(_) => Err("this program was built without CUDA".to_owned()),
    }
}
