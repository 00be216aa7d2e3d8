"""Healing: faults whose cause shows at the cell itself are proposed to be repaired."""
