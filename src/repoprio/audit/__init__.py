"""What is installed, a lock or several project lists, held against the policy: findings. Pure."""
