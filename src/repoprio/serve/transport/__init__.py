"""How repositories are asked: answers as they come, and what of them is kept to ask whether it still holds."""
