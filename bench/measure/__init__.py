# SPDX-License-Identifier: Apache-2.0
"""What bench/run measures, one row of its tables a module. Each gives plain data, and judges nothing."""
