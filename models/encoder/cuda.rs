//! What is asked of NVIDIA's driver: which graphics processors there are, and page-locked memory to copy from.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::cuda_backend::CudaStorage;
use candle_core::cuda_backend::cudarc::driver::{CudaContext, CudaStream, PinnedHostSlice, result};
use candle_core::op::BackpropOp;
use candle_core::{CudaDevice, Device, Storage, Tensor};

/// The graphics processors, each with its number, name and memory; or why there are none.
pub fn probe() -> Result<Vec<String>, String> {
    // Without a driver cudarc panics instead of failing, where it loads the library itself.
    let count = std::panic::catch_unwind(CudaContext::device_count);
    let count = match count {
        Ok(Ok(0)) => return Err("the driver knows no graphics processor".to_owned()),
        Ok(Ok(count)) => count,
        Ok(Err(error)) => return Err(format!("the driver answers: {error:?}")),
        Err(_) => return Err("there is no driver (libcuda)".to_owned()),
    };
    let told = |number: usize| {
        let name = CudaContext::new(number)
            .and_then(|context| context.name())
            .map_err(|error| format!("device {number}: {error:?}"))?;
        let (free, all) = memory(number)?;
        Ok(format!("{number}: {name}, {} of {} MiB free", free >> 20, all >> 20))
    };
    (0..count as usize).map(told).collect()
}

/// Free bytes of a device, and all of them.
pub fn memory(number: usize) -> Result<(u64, u64), String> {
    let context = CudaContext::new(number).and_then(|context| context.bind_to_thread().map(|()| context));
    let _context = context.map_err(|error| format!("device {number}: {error:?}"))?;
    let (free, all) = result::mem_get_info().map_err(|error| format!("device {number}: {error:?}"))?;
    Ok((free as u64, all as u64))
}

/// A device with a stream of its own. All threads that use it compute on that stream; candle's other kind of device has
/// one for each thread, and cudarc sees to the order of streams only where they were made by it.
pub fn device(number: usize) -> Result<Device, String> {
    Device::new_cuda_with_stream(number).map_err(|error| format!("device {number}: {error}"))
}

/// Copies numbers through page-locked memory, on a stream beside the one that computes.
///
/// cudarc notes an event behind every use of memory, and lets a stream that uses what another has written wait for it on
/// the device: the copy is done before the batch is computed, and no thread waits.
pub struct Pinned {
    device: CudaDevice,
    copies: Arc<CudaStream>,
    /// Page-locked memory of batches that are done; what is being copied is not here.
    free: Mutex<Vec<PinnedHostSlice<u32>>>,
}

fn failed(error: impl std::fmt::Debug) -> candle_core::Error {
    candle_core::Error::Msg(format!("page-locked memory: {error:?}"))
}

impl Pinned {
    /// For a device.
    pub fn new(device: &Device) -> candle_core::Result<Pinned> {
        let device = device.as_cuda_device()?.clone();
        let copies = device.cuda_stream().context().new_stream().map_err(failed)?;
        Ok(Pinned { device, copies, free: Mutex::default() })
    }

    /// Begins to copy numbers into a tensor.
    pub fn put(&self, numbers: &[u32]) -> candle_core::Result<Tensor> {
        // Of few sizes, so that memory is used again.
        let length = numbers.len().next_power_of_two();
        let free = || self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let found = {
            let mut free = free();
            let at = free.iter().position(|memory| memory.len() == length);
            at.map(|at| free.swap_remove(at))
        };
        let mut memory = match found {
            Some(memory) => memory,
            // SAFETY: the memory is unset, and all of it is written below before anything reads it.
            None => unsafe { self.copies.context().alloc_pinned(length).map_err(failed)? },
        };
        // Waits, on the host, until what was copied from here before is copied.
        let all = memory.as_mut_slice().map_err(failed)?;
        all[..numbers.len()].copy_from_slice(numbers);
        all[numbers.len()..].fill(0);
        let copied = self.copies.clone_htod(&memory).map_err(failed)?;
        free().push(memory);
        let storage = Storage::Cuda(CudaStorage::wrap_cuda_slice(copied, self.device.clone()));
        Tensor::from_storage(storage, length, BackpropOp::none(), false).narrow(0, 0, numbers.len())
    }
}
