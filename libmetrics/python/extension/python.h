// python.h -- the stable part of Python's C API, so one binary fits every CPython from 3.10 on.
#pragma once

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030A0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstddef>
#include <string_view>
#include <utility>

namespace metrics::python {

// An owned reference, or nullptr, usually with a Python exception set.
class Ref {
 public:
  Ref() noexcept = default;
  explicit Ref(PyObject* owned) noexcept : object_(owned) {}
  Ref(Ref&& other) noexcept : object_(other.release()) {}
  Ref& operator=(Ref&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() { Py_XDECREF(object_); }

  PyObject* get() const noexcept { return object_; }
  PyObject* release() noexcept { return std::exchange(object_, nullptr); }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// Returns a new reference to None.
inline PyObject* none() noexcept {
  Py_INCREF(Py_None);
  return Py_None;
}

// Returns a new string; bytes that are not UTF-8 become U+FFFD. nullptr with an exception set.
inline PyObject* text(std::string_view s) noexcept {
  return PyUnicode_DecodeUTF8(s.data(), static_cast<Py_ssize_t>(s.size()), "replace");
}

// Returns a new tuple of `count` objects, of which make(i) returns a new reference to each; nullptr
// with an exception set, as make() does.
template <class Make>
PyObject* tuple_of(std::size_t count, Make make) {
  Ref tuple(PyTuple_New(static_cast<Py_ssize_t>(count)));
  for (std::size_t i = 0; tuple && i < count; ++i) {
    PyObject* item = make(i);
    if (item == nullptr) return nullptr;
    PyTuple_SetItem(tuple.get(), static_cast<Py_ssize_t>(i), item);
  }
  return tuple.release();
}

// Casts a function of any calling convention to the type that PyMethodDef takes; the flags there
// name the convention.
template <class Function>
PyCFunction method(Function* function) noexcept {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)(void)>(function));
}

}  // namespace metrics::python
