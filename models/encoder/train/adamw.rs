//! AdamW: steps by the mean of gradients over the root of the mean of their squares, and weights that decay beside them
//! (Kingma and Ba, arXiv:1412.6980, alg. 1; Loshchilov and Hutter, arXiv:1711.05101, alg. 2).

use super::model::Parameter;

const BETAS: [f32; 2] = [0.9, 0.999];
const EPSILON: f32 = 1e-8;
/// Numbers that a thread works on at a time. Sums of squares go by it, so it is part of what a model becomes.
const CHUNK: usize = 1 << 18;

/// The moments of all parameters.
pub struct AdamW {
    /// Running means of gradients.
    pub first: Vec<Vec<f32>>,
    /// Running means of their squares.
    pub second: Vec<Vec<f32>>,
}

/// How far a step goes.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Its number, from one.
    pub number: usize,
    /// The rate of learning.
    pub rate: f64,
    /// How much of a weight decays, for each unit of the rate.
    pub decay: f64,
    /// What gradients are multiplied by.
    pub scale: f64,
}

/// The length of all gradients as one vector; the same for any number of threads.
pub fn length(gradients: &[Vec<f32>], threads: usize) -> f64 {
    let mut jobs: Vec<(&[f32], f64)> =
        gradients.iter().flat_map(|all| all.chunks(CHUNK)).map(|chunk| (chunk, 0.0)).collect();
    each(&mut jobs, threads, |(chunk, sum)| *sum = chunk.iter().map(|&x| f64::from(x) * f64::from(x)).sum());
    jobs.iter().map(|(_, sum)| sum).sum::<f64>().sqrt()
}

/// Does something to every job, on some threads.
fn each<J: Send>(jobs: &mut [J], threads: usize, work: impl Fn(&mut J) + Sync) {
    if threads < 2 || jobs.len() < 2 {
        return jobs.iter_mut().for_each(work);
    }
    let share = jobs.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for jobs in jobs.chunks_mut(share) {
            let work = &work;
            scope.spawn(move || jobs.iter_mut().for_each(work));
        }
    });
}

impl AdamW {
    /// Before the first step.
    pub fn new(parameters: &[Parameter]) -> AdamW {
        let zeros = || parameters.iter().map(|parameter| vec![0.0; parameter.values.len()]).collect();
        AdamW { first: zeros(), second: zeros() }
    }

    /// One step.
    pub fn step(&mut self, parameters: &mut [Parameter], gradients: &[Vec<f32>], step: Step, threads: usize) {
        struct Job<'a> {
            values: &'a mut [f32],
            gradient: &'a [f32],
            first: &'a mut [f32],
            second: &'a mut [f32],
            kept: f32,
        }
        let mut jobs = Vec::new();
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((parameter, gradient), (first, second)) in parameters.iter_mut().zip(gradients).zip(moments) {
            let kept = if parameter.decays { (1.0 - step.rate * step.decay) as f32 } else { 1.0 };
            let values = parameter.values.chunks_mut(CHUNK).zip(gradient.chunks(CHUNK));
            let moments = first.chunks_mut(CHUNK).zip(second.chunks_mut(CHUNK));
            for ((values, gradient), (first, second)) in values.zip(moments) {
                jobs.push(Job { values, gradient, first, second, kept });
            }
        }
        // Moments begin at zero: what they lack is put right (sec. 3 of Kingma and Ba).
        let lacking = |beta: f32| 1.0 - libm::pow(f64::from(beta), step.number as f64);
        let rate = (step.rate / lacking(BETAS[0])) as f32;
        let root = (1.0 / lacking(BETAS[1])) as f32;
        let scale = step.scale as f32;
        each(&mut jobs, threads, |job| {
            let moments = job.first.iter_mut().zip(job.second.iter_mut());
            for ((value, gradient), (first, second)) in job.values.iter_mut().zip(job.gradient).zip(moments) {
                let gradient = gradient * scale;
                *first = BETAS[0] * *first + (1.0 - BETAS[0]) * gradient;
                *second = BETAS[1] * *second + (1.0 - BETAS[1]) * gradient * gradient;
                *value = job.kept * *value - rate * *first / ((*second * root).sqrt() + EPSILON);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_those_of_the_papers_written_out_and_do_not_depend_on_threads() {
        let run = |threads: usize| {
            let parameter = |name: &str, length: usize, decays: bool| Parameter {
                name: name.to_owned(),
                shape: vec![length],
                values: (0..length).map(|at| (at % 7) as f32 - 3.0).collect(),
                decays,
            };
            let mut parameters = vec![parameter("a", 3, true), parameter("b", CHUNK + 5, false)];
            let mut adamw = AdamW::new(&parameters);
            let mut lengths = Vec::new();
            for number in 1..=3 {
                let of = |at: usize| ((at * 31 + number * 17) % 11) as f32 - 5.0;
                let gradients: Vec<Vec<f32>> =
                    parameters.iter().map(|parameter| (0..parameter.values.len()).map(of).collect()).collect();
                lengths.push(length(&gradients, threads));
                let step = Step { number, rate: 0.1, decay: 0.5, scale: 0.25 };
                adamw.step(&mut parameters, &gradients, step, threads);
            }
            (parameters.into_iter().map(|parameter| parameter.values).collect::<Vec<_>>(), lengths)
        };
        let (found, lengths) = run(1);
        assert_eq!((found.clone(), lengths.clone()), run(3));
        let squares: f64 = [3, CHUNK + 5]
            .iter()
            .flat_map(|&count| 0..count)
            .map(|at| (((at * 31 + 17) % 11) as f64 - 5.0).powi(2))
            .sum();
        assert!((lengths[0] - squares.sqrt()).abs() < 1e-6 * lengths[0]);
        for (number, values) in found.iter().enumerate() {
            for at in [0, 1, 2] {
                let (mut value, mut first, mut second) = ((at % 7) as f64 - 3.0, 0.0, 0.0);
                for step in 1..=3 {
                    let gradient = (((at * 31 + step * 17) % 11) as f64 - 5.0) * 0.25;
                    first = 0.9 * first + 0.1 * gradient;
                    second = 0.999 * second + 0.001 * gradient * gradient;
                    let [first, second] =
                        [first / (1.0 - 0.9_f64.powi(step as i32)), second / (1.0 - 0.999_f64.powi(step as i32))];
                    value -= 0.1 * (first / (second.sqrt() + 1e-8) + if number == 0 { 0.5 * value } else { 0.0 });
                }
                assert!((f64::from(values[at]) - value).abs() < 1e-5, "{number} {at}: {} {value}", values[at]);
            }
        }
    }
}
