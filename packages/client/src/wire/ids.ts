import { isInstanceId } from '@spica/core';
import * as z from 'zod';

export const instanceIdSchema = z
  .string()
  .refine(isInstanceId, 'expected an instance id like spica-0123456789ab');
