#!/usr/bin/env bash
# Builds wanjuan with encoders on graphics processors, on a machine that has no CUDA: the compiler and the libraries come
# from PyPI, and the driver's library is a stub to link against.
#   models/encoder/cuda-build.sh FOLDER [CARGO ARGUMENTS]
# FOLDER keeps the compiler. CUDA_COMPUTE_CAP names the oldest generation that is to run it: 80 is Ampere.
set -euo pipefail
folder=$(realpath -m "$1"); shift
root=$(cd "$(dirname "$0")/../.." && pwd)
[ -x "$folder/venv/bin/pip" ] || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" -q install 'nvidia-cuda-nvcc==13.2.*' 'nvidia-cuda-runtime==13.2.*' 'nvidia-cuda-crt==13.2.*' \
  'nvidia-cuda-cccl==13.2.*' 'nvidia-cuda-nvrtc==13.2.*' 'nvidia-nvvm==13.2.*' nvidia-cublas nvidia-curand
cuda=$(echo "$folder"/venv/lib/python3*/site-packages/nvidia/cu13)
[ -x "$cuda/bin/nvcc" ] || { echo "no nvcc below $cuda: the packages are laid out in another way now" >&2; exit 1; }
# Packages hold libcublas.so.13 and the like; what links asks for libcublas.so.
for library in "$cuda"/lib/lib*.so.*; do
  plain=${library%%.so.*}.so
  [ -e "$plain" ] || ln -s "$(basename "$library")" "$plain"
done
[ -e "$cuda/lib64" ] || ln -s lib "$cuda/lib64"
# The driver comes with the graphics processor. A library without a function has its name; the linker must not mind.
mkdir -p "$folder/stub"
echo | cc -shared -x c -Wl,-soname,libcuda.so.1 -o "$folder/stub/libcuda.so" -
export CUDA_HOME=$cuda CUDA_PATH=$cuda CUDA_ROOT=$cuda CUDA_TOOLKIT_ROOT_DIR=$cuda PATH="$cuda/bin:$PATH"
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80} LIBRARY_PATH="$cuda/lib:$folder/stub${LIBRARY_PATH:+:$LIBRARY_PATH}"
export RUSTFLAGS="${RUSTFLAGS:-} -L native=$cuda/lib -L native=$folder/stub -C link-arg=-Wl,--unresolved-symbols=ignore-all"
cd "$root"
# The stub has no function that is missed, and must be named all the same: what runs is the driver's own.
cargo rustc --release --features cuda --bin wanjuan "$@" -- -C link-arg=-Wl,--no-as-needed -C link-arg=-lcuda
echo "to run it: LD_LIBRARY_PATH=$cuda/lib, where the driver's libcuda.so.1 is found"
