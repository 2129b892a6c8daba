"""How fast this machine multiplies matrices and copies memory; run apart, as scripts.

``python -m backends.measuring.tensors SECONDS`` measures with PyTorch, `arrays` with NumPy. Each
prints one line of JSON, which `dsl.devices.calibration.Reading` describes.
"""
