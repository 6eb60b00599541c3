#pragma once

#include <cmath>

namespace tessera::test {

/// |<A x, y> - <x, A^T y>| over |A x| |y|: zero to rounding if A^T is the transpose of A.
inline double adjoint_error(double ax_y, double x_aty, double ax_ax, double y_y) {
  return std::abs(ax_y - x_aty) / std::sqrt(ax_ax * y_y);
}

}  // namespace tessera::test
